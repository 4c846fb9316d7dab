from __future__ import annotations

import pytest

from tests.support.examples import DETECTOR, run_example, video

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
    assert capsys.readouterr().out.splitlines()[-2:] == ["blue to the left: 1", "red to the right: 1"]


def test_passing_beside_the_line_is_not_crossing_it(clip, capsys):
    # Its ends lie on both sides of where the red patch goes, and before the blue one.
    run_example("count_at_line", DETECTOR, clip, "--line", "0.2,0.6,0.5,0.6")
    assert capsys.readouterr().out.splitlines()[1:] == ["red to the right: 1"]
