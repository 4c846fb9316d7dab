from __future__ import annotations

import dataclasses

import pytest

from runtime import Box, Detection, InputError, KitError, Labels
from runtime.common.command import exit_code
from runtime.common.files import atomic_path


def test_sides_and_area_of_a_box():
    box = Box(1, 2, 4, 8)
    assert (box.width, box.height, box.area) == (3, 6, 18)
    assert Box(4, 8, 1, 2).area == 0
    assert box.as_tuple() == (1, 2, 4, 8)


def test_values_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Detection("cat", 0, 0.5, Box(0, 0, 1, 1)).score = 1.0


def test_labels_name_every_class():
    labels = Labels(("cat", "dog"))
    assert [labels[i] for i in (-1, 0, 1, 2)] == ["class -1", "cat", "dog", "class 2"]
    assert labels.index("dog") == 1
    assert Labels.parse(labels.text()) == labels


def test_labels_keep_blank_lines_in_the_middle():
    assert Labels.parse("a\n\nc\n\n").names == ("a", "", "c")


@pytest.mark.parametrize(("error", "code"), [(InputError("x"), 2), (KitError("x"), 1), (KeyboardInterrupt(), 130)])
def test_exit_codes(error, code, capsys):
    def main(argv):
        raise error

    assert exit_code(main) == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_file_is_written_atomically(tmp_path):
    target = tmp_path / "new" / "a.txt"

    def fail(path):
        path.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        fail(temporary)
    assert list(target.parent.iterdir()) == []
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]
