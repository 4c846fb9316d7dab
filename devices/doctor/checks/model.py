"""The model that was named: can it be loaded and run here, and does it find what its golden says?"""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, Patient, failure, ok, warning

TITLE = "the file that --model names, on the engine that it is for"
RANK = 45
SECONDS = 120.0
LIVE = True


def check(patient: Patient) -> Iterable[Finding]:
    if not patient.model:
        return
    import numpy as np

    from devices.selftest import selftest
    from runtime.inference.detector import Detector

    threads = patient.profile.threads if patient.profile else 2
    if not patient.golden:
        detector = Detector(patient.model, threads=threads)
        runner = detector.runner
        height, width = (detector.size, detector.size) if isinstance(detector.size, int) else detector.size
        detector(np.zeros((height, width, 3), np.uint8))
        yield ok(f"{patient.model}: runs, in {min(runner.bare_invoke(3)):.0f} ms with {runner.what}")
        notes = runner.notes
    else:
        result = selftest.run(patient.model, patient.golden, threads=threads)
        notes = result.notes
        if result.passed:
            said = f"finds what {patient.golden} says, in {result.milliseconds:.0f} ms with {result.what}"
            yield ok(f"{patient.model}: {said}")
        else:
            yield failure(
                f"{patient.model}: does not find what {patient.golden} says: {'; '.join(result.differences)}",
                "get the file again, and see that the golden is this file's",
            )
    for note in notes:
        yield warning(f"{patient.model}: {note}", "python -m devices.doctor --only edgetpu says more")
