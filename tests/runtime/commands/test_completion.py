"""What is completed, and the file with the options of all verbs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.commands import completion, verbs
from runtime.commands.completion import completions
from tests.support import command_parsers
from tests.support.paths import ROOT

FILE = ROOT / "runtime" / "commands" / completion.OPTIONS
SMALL = {
    "options": [
        {"flags": ["-h", "--help"], "help": "show"},
        {"flags": ["--kind"], "help": "which kind", "values": ["one", "other", "two"]},
        {"flags": ["--out"], "help": "where to", "values": "path", "again": True},
        {"flags": ["--size"], "help": "how large", "values": "other"},
        {"flags": ["--images"], "help": "what to take", "values": "path", "many": True},
    ],
    "arguments": [{"values": "path"}, {"values": ["left", "right"]}],
}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(completion, "_options", lambda: {"train": SMALL, "report": {**SMALL, "arguments": []}})


def words(before, current):
    found = completions(before.split(), current)
    assert not (found.paths and found.words)
    return "paths" if found.paths else [word for word, _ in found.words]


def test_verbs_come_first():
    assert words("", "tr") == ["train", "train-bench"]
    assert words("", "--") == ["--help", "--version"]
    assert dict(completions([], "").words)["check"] == verbs.named("check").sentence
    assert words("completion", "") == ["bash", "zsh", "fish"] and words("completion bash", "") == []
    assert words("nothing", "") == []


ALL = ["--help", "--kind", "--out", "--size", "--images"]


@pytest.mark.parametrize(
    ("before", "current", "found"),
    [
        ("train", "", "paths"),
        ("train", "-", ALL),
        ("train", "--", ALL),
        ("train", "--o", ["--out"]),
        ("train data", "", ["left", "right"]),
        ("train data left", "", ALL),
        ("report", "", ALL),
        # Values.
        ("train --kind", "", ["one", "other", "two"]),
        ("train --kind", "o", ["one", "other"]),
        ("train --out", "", "paths"),
        ("train --size", "", []),
        ("train --size 3", "", "paths"),
        ("train data --kind one", "", ["left", "right"]),
        # A value after =, which bash takes for a word.
        ("train", "--kind=o", ["--kind=one", "--kind=other"]),
        ("train", "--out=a", "paths"),
        ("train --kind =", "o", ["one", "other"]),
        ("train --kind", "=", ["one", "other", "two"]),
        ("train --kind=one data", "", ["left", "right"]),
        ("train --kind = one data", "", ["left", "right"]),
        # An option that was given isn't offered again, unless it may be repeated.
        ("train --help --out a --kind one", "--", ["--out", "--size", "--images"]),
        # Several values, up to the next option.
        ("train --images a b", "", "paths"),
        ("train --images a b --kind", "t", ["two"]),
        ("train --images a", "--k", ["--kind"]),
        # What follows -- is for another program.
        ("train data -- --kind", "", "paths"),
    ],
)
def test_after_a_verb(small, before, current, found):
    assert words(before, current) == found


def test_the_answer_for_a_shell(small):
    assert completion.answer(["train", "--k"]) == "words\n--kind\twhich kind"
    assert completion.answer(["train", "--kind", "t"]) == "words\ntwo\t"
    assert completion.answer(["train", ""]) == "paths"
    assert completion.answer(["nothing", ""]) == "words"
    assert completion.answer([]).startswith("words\ncheck\t")


@pytest.mark.parametrize("verb", verbs.VERBS, ids=lambda verb: verb.name)
def test_the_file_has_the_options_of_the_parser(verb):
    content = json.loads(FILE.read_text(encoding="utf-8"))
    now = command_parsers.described(command_parsers.parser_of(verb.module))
    assert content[verb.name] == now, "options have changed; run python -m tests.support.command_parsers"


def test_the_file_is_as_it_is_written():
    content = json.loads(FILE.read_text(encoding="utf-8"))
    assert list(content) == [verb.name for verb in verbs.VERBS]
    assert FILE.read_text(encoding="utf-8") == command_parsers.as_text(content)


def test_options_of_commands_are_completed_with_their_values():
    assert words("run a.tflite", "--en") == ["--engine"]
    assert "cpu" in words("run --engine", "")
    assert words("run", "") == words("run --json", "") == words("train", "") == "paths"
    assert words("train --steps", "") == []
    assert words("export data out --to", "y") == ["yolo"]
    assert Path(completion.__file__).with_name(completion.OPTIONS) == FILE
