from __future__ import annotations

from runtime.telemetry.comparison import Comparison
from runtime.telemetry.state import State
from runtime.telemetry.summary import Totals


def test_what_was_collected_is_told():
    state = State()
    assert "collected" not in str(Totals().summary(state.snapshot(), 1.0))
    state.collected(kept=3, refused=1, removed=0, images=9, megabytes=0.1)
    assert "0 detections, 9 collected in all; " in str(Totals().summary(state.snapshot(), 1.0))


def test_how_far_a_second_model_agrees_is_told():
    state = State()
    state.compared(Comparison("1", "export/next.tflite", frames=10, classes={"a": (5, 1, 0), "b": (4, 0, 0)}))
    told = str(Totals().summary(state.snapshot(), 1.0))
    assert told.endswith("; compared with next.tflite on 10 frames, 90% of 10 objects found by both")
    state.compared(Comparison("1", "export/next.tflite", missed=3))
    assert str(Totals().summary(state.snapshot(), 1.0)).endswith("; compared with next.tflite on 0 frames")
