"""The verbs of `edk`, and the kit's commands."""

from __future__ import annotations

import importlib.util
import re

from runtime.commands import verbs
from tests.support.paths import ROOT

PACKAGES = ("train", "convert", "runtime", "devices")
# `edk` itself, and programs that the kit starts.
NO_VERB = {"runtime.commands", "runtime.launcher", "runtime.inference.process.child", "runtime.bench.mediapipe_process"}


def commands() -> set[str]:
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if '\nif __name__ == "__main__":' in path.read_text(encoding="utf-8"):
                parts = path.relative_to(ROOT).with_suffix("").parts
                found.add(".".join(part for part in parts if part != "__main__"))
    return found


def test_every_command_has_a_verb():
    modules = [verb.module for verb in verbs.VERBS]
    assert set(modules) == commands() - NO_VERB and len(set(modules)) == len(modules)


def test_names_are_words_and_sentences_fit_a_line():
    width = max(len(verb.name) for verb in verbs.VERBS)
    for verb in verbs.VERBS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", verb.name)
        assert verb.sentence[0].isupper() and verb.sentence.endswith(".") and len(verb.sentence) + width + 4 <= 100
        assert importlib.util.find_spec(verb.module)
    assert len({verb.name for verb in verbs.VERBS}) == len(verbs.VERBS)


def test_groups_are_in_one_piece_each():
    groups = [verb.group for verb in verbs.VERBS]
    assert sorted(groups, key=groups.index) == groups


def test_a_word_that_is_no_verb_finds_what_was_meant():
    assert verbs.similar("trian") == ["train"]
    assert verbs.similar("find_rate") == ["find-rate"]
    assert verbs.similar("runtime") == ["run"]
    assert verbs.similar("convert.evaluate") == ["evaluate"]
    assert verbs.similar("xyzzy") == []


def test_a_word_of_other_programs_finds_the_verb():
    assert verbs.similar("predict") == ["run"] and verbs.similar("val") == ["evaluate"]
    for word, name in verbs._ELSEWHERE.items():
        assert verbs.named(name) and word not in {verb.name for verb in verbs.VERBS}


def test_each_extra_is_one_of_the_package():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f"\n{verb.extra} = [" in text for verb in verbs.VERBS)
