from __future__ import annotations

import pytest

from runtime import Detector
from runtime.sources import open_source
from tests.support.examples import DETECTOR, HEIGHT, run_example, video

pytest.importorskip("edgefirst.tracker", reason="needs the extra `track`")

# The detector's cells are 24 pixels apart: on these places it is sure where a patch lies.
DOWN = [y for y in (0, 24, 48, 72, 96) for _ in range(3)]


@pytest.fixture
def clip(tmp_path):
    away = [{}] * 30
    return video(
        tmp_path / "clip.avi",
        [*({"red": (96, y)} for y in DOWN), *away, *({"blue": (192, y)} for y in reversed(DOWN))],
    )


def test_objects_are_counted_in_each_direction(clip, capsys):
    run_example("count_at_line", DETECTOR, clip, "--line", "0,0.6,1,0.6")
    assert capsys.readouterr().out.splitlines()[-2:] == ["blue: 0 in, 1 out", "red: 1 in, 0 out"]


def test_passing_beside_the_line_is_not_crossing_it(clip, capsys):
    # Its ends lie on both sides of where the red patch goes, and before the blue one.
    run_example("count_at_line", DETECTOR, clip, "--line", "0.2,0.6,0.5,0.6")
    assert capsys.readouterr().out.splitlines()[1:] == ["red: 1 in, 0 out"]


def test_who_trembles_on_the_line_has_not_crossed_it(tmp_path, capsys):
    # The lower edge of the box goes over the line and back by a part of a pixel, as boxes do.
    trembling = [{"red": (96, 70 + 8 * (place % 2))} for place in range(20)]
    clip = video(tmp_path / "clip.avi", trembling)
    with open_source(str(clip)) as source:
        ends = [Detector(DETECTOR)(each.image)[0].box.ymax for _, each in zip(range(2), source)]
    edge = sum(ends) / 2 / HEIGHT
    run_example("count_at_line", DETECTOR, clip, "--line", f"0,{edge},1,{edge}")
    assert capsys.readouterr().out == ""
