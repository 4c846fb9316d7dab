"""The model that was named: can it be loaded and run here, and does it find what its golden says?"""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning

TITLE = "the file that --model names, on the engine that it is for"
RANK = 45
SECONDS = 120.0
LIVE = True


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Runs the model of `--model`, and compares its detections with `--golden`."""
    if not under_test.model:
        return
    import numpy as np

    from devices.selftest import selftest
    from runtime.inference.detector import Detector

    threads = under_test.profile.threads if under_test.profile else 2
    if not under_test.golden:
        detector = Detector(under_test.model, threads=threads)
        runner = detector.runner
        height, width = (detector.size, detector.size) if isinstance(detector.size, int) else detector.size
        detector(np.zeros((height, width, 3), np.uint8))
        yield ok(f"{under_test.model}: runs, in {min(runner.bare_invoke(3)):.0f} ms with {runner.what}")
        notes = runner.notes
    else:
        result = selftest.run(under_test.model, under_test.golden, threads=threads)
        notes = result.notes
        if result.passed:
            said = f"finds what {under_test.golden} says, in {result.milliseconds:.0f} ms with {result.what}"
            yield ok(f"{under_test.model}: {said}")
        else:
            yield failure(
                f"{under_test.model}: does not find what {under_test.golden} says: {'; '.join(result.differences)}",
                "get the file again, and see that the golden is this file's",
            )
    for note in notes:
        yield warning(f"{under_test.model}: {note}", "python -m devices.doctor --only edgetpu says more")
