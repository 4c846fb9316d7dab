"""Progress of training on the terminal."""

from __future__ import annotations

import io

import pytest

from train.run.progress import Progress, clock

OUTPUT = {"training_loss": 1.5, "class_loss": 0.5, "box_loss": 0.25}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(stream, monkeypatch, seconds: float = 4.0) -> Progress:
    """Progress after calls at steps 5, 10, 15 and 20 of 20, `seconds` apart, at batch 8."""
    now, step = [0.0], [0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = Progress(lambda: step[0], 20, 8, stream)
    for _ in range(4):
        now[0] += seconds
        step[0] += 5
        progress(OUTPUT)
    return progress


def test_on_a_terminal_one_line_changes_and_ends(monkeypatch):
    stream = Terminal()
    progress = watched(stream, monkeypatch)
    lines = stream.getvalue().split("\r\x1b[K")
    assert lines[1] == "step  5/20  loss 1.500 (classes 0.500, boxes 0.250)"
    assert lines[2] == "step 10/20  loss 1.500 (classes 0.500, boxes 0.250)  10.0 images/s  0:08 left"
    assert lines[-1].endswith("0:00 left\n") and stream.getvalue().count("\n") == 1
    # The first steps, with their tracing, do not count.
    assert progress.images_per_second == pytest.approx(10)


def test_in_a_file_there_is_a_line_every_15_seconds_and_at_the_end(monkeypatch):
    stream = io.StringIO()
    watched(stream, monkeypatch, seconds=8)
    assert [line.split("  ")[0] for line in stream.getvalue().splitlines()] == ["step 10/20", "step 20/20"]


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (3725, "1:02:05")])
def test_clock(seconds, text):
    assert clock(seconds) == text
