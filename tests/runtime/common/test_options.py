"""Types of options, and former names of options."""

from __future__ import annotations

import argparse

import pytest

from runtime.common.options import old_name, positive


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(exit_on_error=False)
    old_name(made, "--pictures", made.add_argument("--images", type=positive, action="append", help="how many"))
    return made


def test_an_old_name_works_with_a_note(parser, capsys):
    assert parser.parse_args(["--pictures", "3", "--images", "4"]).images == [3, 4]
    assert "--pictures is called --images now" in capsys.readouterr().err
    assert parser.parse_args([]).images is None and "pictures" not in vars(parser.parse_args([]))


def test_an_old_name_is_hidden_and_checked(parser):
    assert "--images" in parser.format_help() and "--pictures" not in parser.format_help()
    with pytest.raises(argparse.ArgumentError):
        parser.parse_args(["--pictures", "0"])
