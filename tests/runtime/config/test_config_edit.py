from __future__ import annotations

import os
import stat

import pytest

pytest.importorskip("yaml")
from runtime import InputError
from runtime.common import yaml_text
from runtime.config.config_edit import set_item

DOOR = "door=0,0.5,1,0.5"


def edited(tmp_path, before, name="door", text=DOOR, key="line"):
    path = tmp_path / "runtime.yaml"
    path.write_bytes(before.encode())
    set_item(str(path), key, name, text)
    return path.read_bytes().decode()


FILE = """\
# The camera at the gate.
file: detector.tflite  # int8
line:
  # Where people come in.
  - door=0,0.1,1,0.1  # measured
  - "gate=0,0.9,1,0.9"

  # Nothing else so far.
score: 0.4
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f'line:\n  - "{DOOR}"\n'),
        ("# Only this.\n", f'# Only this.\nline:\n  - "{DOOR}"\n'),
        ("score: 0.4", f'score: 0.4\nline:\n  - "{DOOR}"\n'),
        ("score: 0.4\r\n", f'score: 0.4\r\nline:\r\n  - "{DOOR}"\r\n'),
        (FILE, FILE.replace("door=0,0.1,1,0.1", f'"{DOOR}"')),
        ("line: gate=0,0,1,1 # one\nscore: 0.4\n", f'line: ["gate=0,0,1,1", "{DOOR}"] # one\nscore: 0.4\n'),
        ("line: ['gate=0,0,1,1']\n", f'line: ["gate=0,0,1,1", "{DOOR}"]\n'),
        ("line: ['door=0,0,1,1',\n  'gate=0,0,1,1']\nscore: 1\n", f'line: ["{DOOR}", "gate=0,0,1,1"]\nscore: 1\n'),
        ("line:\n- gate=0,0,1,1", f'line:\n- gate=0,0,1,1\n- "{DOOR}"\n'),
        ("line:\nscore: 0.4\n", f'line: ["{DOOR}"]\nscore: 0.4\n'),
    ],
)
def test_an_item_is_set_and_the_rest_stays(tmp_path, before, after):
    assert edited(tmp_path, before) == after


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (FILE, "door", FILE.replace("  - door=0,0.1,1,0.1  # measured\n", "")),
        (FILE, "gate", FILE.replace('  - "gate=0,0.9,1,0.9"\n', "")),
        (FILE, "other", FILE),
        ("a: 1\nline:\n  - door=0,0,1,1\n# End.\n", "door", "a: 1\n# End.\n"),
        ("a: 1\nline: door=0,0,1,1\nb: 2\n", "door", "a: 1\nb: 2\n"),
        ("line: [door=0]\nb: 2\n", "door", "b: 2\n"),
        ("line: ['door=0', 'gate=0']\n", "door", 'line: ["gate=0"]\n'),
    ],
)
def test_an_item_is_removed(tmp_path, before, name, after):
    assert edited(tmp_path, before, name, None) == after


def test_names_with_any_marks_are_kept(tmp_path):
    name = 'dö"or: #1 \\ [x]'
    edited(tmp_path, "a: 1\n", name, f"{name}=0,0,1,1")
    assert yaml_text.read(tmp_path / "runtime.yaml", "config")[1] == {"a": 1, "line": [f"{name}=0,0,1,1"]}


@pytest.mark.parametrize("before", ["{a: 1}\n", "a: 1\n...\n", "line:\n  - door=0,\n    0,1,1\n  - &x gate=0\nb: *x\n", "- a\n", "a: [\n"])
def test_a_file_that_cannot_be_edited_stays_as_it_is(tmp_path, before):
    path = tmp_path / "runtime.yaml"
    path.write_text(before)
    with pytest.raises(InputError, match=r"runtime\.yaml"):
        set_item(str(path), "line", "gate", "gate=0,0,1,1")
    assert path.read_text() == before
    assert os.listdir(tmp_path) == ["runtime.yaml"]


def test_permissions_and_links_stay(tmp_path):
    path = tmp_path / "real.yaml"
    path.write_text("a: 1\n")
    path.chmod(0o640)
    link = tmp_path / "runtime.yaml"
    link.symlink_to(path)
    set_item(str(link), "line", "door", DOOR)
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640 and DOOR in path.read_text()
    with pytest.raises(InputError, match="no such file"):
        set_item(str(tmp_path / "none.yaml"), "line", "door", DOOR)
