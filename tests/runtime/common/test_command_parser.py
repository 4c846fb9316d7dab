from __future__ import annotations

from importlib import metadata

import pytest

from runtime.common import command_parser as command_parser_module
from runtime.common.command_parser import Parser, add_version, command_parser, kit_version
from tests.support.paths import ROOT


def test_messages_have_no_passwords(capsys):
    parser = Parser(prog="run")
    parser.add_argument("--count", type=int)
    for words in (["https://u:S3cret@site"], ["--count", "https://u:S3 cret@site"]):
        with pytest.raises(SystemExit):
            parser.parse_args(words)
        shown = capsys.readouterr().err
        assert "https://site" in shown and "S3" not in shown and "cret" not in shown


def test_the_help_is_the_docstring():
    text = command_parser("run", "Does it.\n\nexamples:\n  run it").format_help()
    assert "Does it." in text and "examples:\n  run it" in text


def test_the_version_is_that_of_the_source_tree():
    assert f'version = "{kit_version()}"\n' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_an_installed_kit_knows_its_version_from_its_metadata(monkeypatch, tmp_path):
    monkeypatch.setattr(command_parser_module, "_ROOT", tmp_path)
    monkeypatch.setattr(metadata, "version", {"edge-detection-kit": "7.8.9"}.__getitem__)
    assert kit_version() == "7.8.9"
    # Another project's file beside the packages says nothing of the kit.
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1.0.0"\n')
    assert kit_version() == "7.8.9"


def test_a_kit_that_is_not_installed_may_have_no_version(monkeypatch, tmp_path):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(command_parser_module, "_ROOT", tmp_path)
    monkeypatch.setattr(metadata, "version", missing)
    assert kit_version() == ""


def test_version_is_printed_before_anything_is_asked_for(capsys):
    parser = Parser(prog="run")
    parser.add_argument("file")
    add_version(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"edge-detection-kit {kit_version()}\n"
    assert vars(parser.parse_args(["a"])) == {"file": "a"}
