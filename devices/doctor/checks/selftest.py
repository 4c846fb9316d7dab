"""The kit's own small detector on its own image: does it find here what it should?"""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, failure, ok

TITLE = "a small detector on an image whose objects are known"
RANK = 40
SECONDS = 120.0
LIVE = True


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Runs the kit's small detector on its own image."""
    from devices.selftest import selftest

    threads = under_test.profile.threads if under_test.profile else 2
    # On the processor: the file is not compiled for any chip.
    result = selftest.run(selftest.MODEL, selftest.GOLDEN, engine="cpu", threads=threads)
    if result.passed:
        yield ok(f"finds what it should, in {result.milliseconds:.0f} ms with {result.what}")
    else:
        yield failure(
            f"{result.what} finds something else: {'; '.join(result.differences)}",
            f"pip install --force-reinstall {result.package}; if that is no help, report it with this line",
        )
