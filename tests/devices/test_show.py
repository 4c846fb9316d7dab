"""`python -m devices` and `python -m devices.show`."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("yaml")
pytest.importorskip("pydantic")

from devices import __main__ as listing
from devices import show
from devices.boards import catalogue
from runtime.common.command import exit_code


def test_the_list_has_a_line_a_device(capsys):
    assert listing.main([]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(catalogue.names())
    pi = next(line for line in lines if line.startswith("raspberry-pi-4 "))
    assert pi.split() == ["raspberry-pi-4", "3.9,", "3.11,", "3.13", "detector_int8.tflite", "cpu", "estimated", "63-122", "4"]
    # Columns of text begin below each other.
    assert {line.index("detector_") for line in lines} == {head.index("file")}


def test_the_list_for_programs(capsys):
    assert listing.main(["--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in said] == list(catalogue.names())


@pytest.mark.parametrize("name", catalogue.names())
def test_a_device_is_shown_whole(capsys, name):
    assert show.main([name]) == 0
    text = capsys.readouterr().out
    profile = catalogue.find(name)
    words = " ".join(text.split())
    expected = profile.expected
    for said in (profile.title, profile.chip, profile.why, expected.text, *expected.sources, *profile.notes):
        assert " ".join(said.split()) in words
    for system in profile.systems:
        assert system.name in words and " ".join(system.note.split()) in words
    assert all(len(line) <= show.WIDTH or " " not in line.strip() for line in text.splitlines())
    assert ("devices.install" in text) == (profile.kind == "linux")


def test_a_device_for_programs(capsys):
    assert show.main(["coral-dev-board", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["accelerator"] == "pci" and said["expected"]["basis"] == "estimated"


def test_an_unknown_device(capsys):
    assert exit_code(show.main, ["raspbery-pi-4"]) == 2
    assert "raspbery-pi-4: there is no such device; did you mean raspberry-pi-4" in capsys.readouterr().err
