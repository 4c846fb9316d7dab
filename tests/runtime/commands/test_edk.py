"""The command `edk` without the commands behind its verbs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runtime.commands import edk, verbs
from runtime.common.command import exit_code
from runtime.common.command_parser import kit_version
from tests.support.paths import ROOT


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_verbs_are_listed_by_what_people_want_to_do(words, capsys):
    assert exit_code(edk.main, words) == 0
    shown = capsys.readouterr().out
    for verb in verbs.VERBS:
        assert f"\n  {verb.name} " in shown and verb.sentence in shown
        assert shown.index(f"\n{verb.group}:\n") < shown.index(f"\n  {verb.name} ")
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_the_version_is_that_of_the_kit(capsys):
    for words in (["--version"], ["-V"]):
        assert exit_code(edk.main, words) == 0
        assert capsys.readouterr().out == f"edge-detection-kit {kit_version()}\n"
    assert kit_version()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian", "data"], "error: edk has no verb trian; did you mean train? edk --help lists them"),
        (["runtime"], "error: edk has no verb runtime; did you mean run? edk --help lists them"),
        (["xyzzy"], "error: edk has no verb xyzzy; edk --help lists them"),
        (["--out", "a"], "error: --out: options follow a verb, as in edk train --out; edk --help lists the verbs"),
        (["completion"], "error: edk completion: name one shell: bash, zsh, fish"),
        (["completion", "tcsh"], "error: edk completion tcsh: name one shell: bash, zsh, fish"),
    ],
)
def test_wrong_words_are_one_line_and_2(words, message, capsys):
    assert exit_code(edk.main, words) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"{message}\n")


SLOW = """
import sys
from runtime import launcher
def loaded(): return {name.partition(".")[0] for name in sys.modules} & {"numpy", "cv2", "tensorflow", "PIL", "train"}
import runpy
runpy.run_module = lambda *given, **options: print("handed over", given, sorted(loaded()), len(sys.modules))
sys.argv = ["edk", "train", "data"]
print(launcher.main())
"""


def test_nothing_large_is_imported_before_the_handover():
    done = subprocess.run([sys.executable, "-c", SLOW], cwd=ROOT, capture_output=True, text=True, check=True)
    handed, code = done.stdout.splitlines()
    assert handed.startswith("handed over ('train',) [] ") and code == "0"


def test_a_reader_that_has_left_is_no_error():
    command = f"{sys.executable} -m runtime.commands | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")
