from __future__ import annotations

import pytest

from runtime.config.arguments import parse
from runtime.pipeline.session import make_watch

RUN = ["a.tflite", "--source", "street.mp4"]


@pytest.mark.parametrize("words", [["--events", "kept"], ["--out", "events:kept"], ["--out", "a.mp4", "--out", "events:kept,days=2"]])
def test_events_switch_tracking_on_wherever_they_are_asked_for(words):
    assert parse([*RUN, *words]).track
    assert not parse([*RUN, "--out", "a.mp4"]).track


def test_events_of_one_camera_track_on_that_one(tmp_path):
    pytest.importorskip("pydantic"), pytest.importorskip("yaml")
    file = tmp_path / "runtime.yaml"
    file.write_text("file: a.tflite\nsources: {door: {source: 0, events: kept}, yard: {source: 1}}\n")
    options = parse(["--config", str(file)])
    assert [options.sources[name].track for name in ("door", "yard")] == [True, False]


def test_zones_count_the_tracks_of_events():
    """A second tracker would renumber what the first has numbered."""
    watch = make_watch(parse([*RUN, "--events", "kept"]))
    watch.change("zone", "desk", [[0, 0], [1, 0], [1, 1]])
    assert watch._tracker is None
