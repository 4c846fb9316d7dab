from __future__ import annotations

import os
import stat

import pytest

pytest.importorskip("yaml")
from runtime import InputError
from runtime.common import yaml_text
from runtime.config import config_edit
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
        # As an editor on Windows writes it.
        (FILE.replace("\n", "\r\n"), FILE.replace("door=0,0.1,1,0.1", f'"{DOOR}"').replace("\n", "\r\n")),
        ("\ufeffline: ['door=0,0,1,1']\r\na: 1\r\n", f'\ufeffline: ["{DOOR}"]\r\na: 1\r\n'),
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


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path):
    path = tmp_path / "runtime.yaml"
    path.write_text("a: 1\n")
    os.chown(path, 12345, 23456)
    set_item(str(path), "line", "door", DOOR)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456) and DOOR in path.read_text()


def test_a_read_only_file_stays_as_it_is(tmp_path, monkeypatch):
    path = tmp_path / "runtime.yaml"
    path.write_text("a: 1\n")
    # Root may write any.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="read-only"):
        set_item(str(path), "line", "door", DOOR)
    assert path.read_text() == "a: 1\n" and os.listdir(tmp_path) == ["runtime.yaml"]


def test_what_another_program_writes_meanwhile_is_not_lost(tmp_path, monkeypatch):
    path = tmp_path / "runtime.yaml"
    path.write_text("a: 1\n")
    edit = config_edit._edited

    def slow(*words):
        path.write_text("a: 2  # by hand\n")
        return edit(*words)

    monkeypatch.setattr(config_edit, "_edited", slow)
    with pytest.raises(InputError, match="another program has just changed it"):
        set_item(str(path), "line", "door", DOOR)
    assert path.read_text() == "a: 2  # by hand\n" and os.listdir(tmp_path) == ["runtime.yaml"]


CAMERAS = """\
file: a.tflite
sources:
  # At the gate.
  door:
    source: rtsp://one  # wide
    line: ['gate=0,0,1,1']
  yard: rtsp://two
  hall: {source: 0, score: 0.4}  # inside
  roof:
    zone:
      - desk=0,0,1,0,1,1
    # The last one.
"""


@pytest.mark.parametrize(
    ("camera", "key", "name", "text", "old", "new"),
    [
        ("door", "line", "door", DOOR, "['gate=0,0,1,1']", f'["gate=0,0,1,1", "{DOOR}"]'),
        ("door", "line", "gate", None, "    line: ['gate=0,0,1,1']\n", ""),
        ("door", "zone", "a", "a=1", "['gate=0,0,1,1']\n", "['gate=0,0,1,1']\n    zone:\n      - \"a=1\"\n"),
        ("yard", "line", "door", DOOR, "rtsp://two", f'{{source: "rtsp://two", line: ["{DOOR}"]}}'),
        ("hall", "line", "door", DOOR, "0.4}", f'0.4, line: ["{DOOR}"]}}'),
        ("roof", "zone", "a", "a=1", "1,0,1,1\n", '1,0,1,1\n      - "a=1"\n'),
        ("roof", "zone", "desk", "desk=1", "desk=0,0,1,0,1,1", '"desk=1"'),
        ("roof", "line", "door", DOOR, "1,0,1,1\n", f'1,0,1,1\n    line:\n      - "{DOOR}"\n'),
    ],
)
def test_an_item_of_one_camera_is_set_in_its_entry(tmp_path, camera, key, name, text, old, new):
    path = tmp_path / "runtime.yaml"
    path.write_text(CAMERAS)
    set_item(str(path), key, name, text, camera)
    assert path.read_text() == CAMERAS.replace(old, new, 1)


def test_a_camera_begins_with_the_list_of_all_cameras_and_keeps_one_that_is_empty(tmp_path):
    path = tmp_path / "runtime.yaml"
    before = f"line:\n  - {DOOR}\nsources:\n  door:\n    source: 0\n    # Here.\n"
    path.write_text(before)
    set_item(str(path), "line", "gate", "gate=0", "door")
    assert path.read_text() == before.replace("0\n    #", f'0\n    line:\n      - "{DOOR}"\n      - "gate=0"\n    #')
    set_item(str(path), "line", "gate", None, "door")
    set_item(str(path), "line", "door", None, "door")
    assert path.read_text() == before.replace("0\n    #", "0\n    line: []\n    #")


def test_a_camera_that_the_file_does_not_have_is_told(tmp_path):
    path = tmp_path / "runtime.yaml"
    path.write_text(CAMERAS)
    with pytest.raises(InputError, match="has no camera cellar below sources"):
        set_item(str(path), "line", "door", DOOR, "cellar")
    assert path.read_text() == CAMERAS
