"""A verb behaves as `python -m` of its module."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from runtime.commands import handover, verbs
from runtime.commands.edk import main
from runtime.common.command import exit_code, spelled, spelling
from runtime.common.errors import InputError
from runtime.common.opencv import cv2
from tests.support import tiny_detector
from tests.support.command_parsers import parser_of
from tests.support.paths import ROOT

TEST_VERB = verbs.Verb("try", "trial_command", "g", "Tries.", "train")


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """Writes the module `trial_command`, which the verb of the tests stands for."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["edk", "try"])
    monkeypatch.setattr(handover, "_OLDEST", {})

    def write(code):
        (tmp_path / "trial_command.py").write_text(code)
        return tmp_path / "trial_command.py"

    return write


def test_the_module_runs_as_the_main_program_with_its_arguments(trial, capsys):
    path = trial("import sys\nprint(__name__, __spec__.name, sys.modules['__main__'].__file__)\nprint(sys.argv)")
    assert handover.hand_over(TEST_VERB, ["a", "--b"]) == 0
    assert capsys.readouterr().out == f"__main__ trial_command {path}\n['{path}', 'a', '--b']\n"


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_the_exit_code_is_the_commands(trial, code):
    trial(f"import sys; sys.exit({code})")
    with pytest.raises(SystemExit) as ended:
        handover.hand_over(TEST_VERB, [])
    assert ended.value.code == code


def test_usage_names_the_verb_and_afterwards_parsers_are_as_before(trial, capsys):
    code = (
        "import argparse\n"
        "for name in ('python -m trial_command', 'another'):\n"
        "    try:\n"
        "        argparse.ArgumentParser(prog=name).parse_args()\n"
        "    except SystemExit as end:\n"
        "        print(end.code)\n"
    )
    path = trial(code)
    handover.hand_over(TEST_VERB, ["--none"])
    shown = capsys.readouterr()
    assert shown.out == "2\n2\n"
    assert "edk try: error: unrecognized arguments: --none" in shown.err
    assert "another: error: unrecognized arguments: --none" in shown.err
    assert "python -m" not in shown.err, path


def test_examples_in_the_help_are_those_of_the_verb(trial, capsys):
    trial(
        "import argparse\n"
        "argparse.ArgumentParser(prog='python -m trial_command', epilog='python -m trial_command x, or sudo'\n"
        "    ' python -m trial_command; not python -m trial_command.other').parse_args()\n"
    )
    with pytest.raises(SystemExit):
        handover.hand_over(TEST_VERB, ["--help"])
    assert "edk try x, or sudo edk try; not python -m trial_command.other" in " ".join(capsys.readouterr().out.split())


def test_what_to_do_next_is_written_as_the_command_was_typed(trial, capsys):
    trial("from runtime.common.command import spelling\nprint(spelling('label', 'train.label'))\n")
    handover.hand_over(TEST_VERB, [])
    assert capsys.readouterr().out == "edk label\n"
    assert spelling("label", "train.label") == "python -m train.label"


@pytest.mark.parametrize("verb", [verb for verb in verbs.VERBS if verb.extra in ("runtime", "devices")])
def test_each_command_names_itself_so_that_the_verb_can_take_the_place(verb):
    assert parser_of(verb.module).prog == f"python -m {verb.module}"


def test_a_package_that_is_missing_is_named_with_its_extra(trial):
    trial("import nothing_of_that_name.inner")
    message = (
        "edk try needs the package nothing_of_that_name, which is not installed; run: "
        r"pip install 'edge-detection-kit\[train\]'"
    )
    with pytest.raises(InputError, match=message):
        handover.hand_over(TEST_VERB, [])


@pytest.mark.parametrize("module", ["runtime.nothing", "json.nothing"])
def test_a_module_that_its_own_package_lacks_is_a_bug_and_keeps_its_traceback(trial, module):
    trial(f"import {module}")
    with pytest.raises(ModuleNotFoundError):
        handover.hand_over(TEST_VERB, [])


def test_a_python_that_is_too_old_is_named(trial, monkeypatch):
    monkeypatch.setattr(handover, "_OLDEST", {"train": (4, 1)})
    with pytest.raises(InputError, match=r"edk try needs Python 4\.1 or newer, and this is Python 3\.\d+$"):
        handover.hand_over(TEST_VERB, [])


def test_wrong_usage_is_the_commands_own(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["edk"])
    monkeypatch.delitem(sys.modules, "devices.show", raising=False)
    with pytest.raises(SystemExit) as ended:
        exit_code(main, ["show"])
    assert ended.value.code == 2
    assert "edk show: error: the following arguments are required: NAME" in capsys.readouterr().err


def test_help_of_a_verb_may_be_asked_for_either_way(capsys, monkeypatch):
    shown = []
    for words in (["help", "show"], ["show", "--help"]):
        monkeypatch.setattr(sys, "argv", ["edk"])
        monkeypatch.delitem(sys.modules, "devices.show", raising=False)
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] and shown[0].startswith("usage: edk show ")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_signals_end_a_run_as_they_do_without_edk(tmp_path, number, code):
    """Before one of them, SIGHUP loads the model again and ends nothing."""
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (32, 24))
    for _ in range(5):
        writer.write(np.zeros((24, 32, 3), np.uint8))
    writer.release()
    words = ["run", "tiny.tflite", "--source", "a.avi", "--loop", "--json", "a.jsonl", "--threads", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "runtime.commands", *words],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            written = tmp_path / "a.jsonl"
            _until(lambda: written.exists() and written.stat().st_size > 1000, process)
            process.send_signal(signal.SIGHUP)
            before = written.stat().st_size
            _until(lambda: written.stat().st_size > before + 5000, process)
            process.send_signal(getattr(signal, number))
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == code and "Traceback" not in errors, errors


def _until(true, process):
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def test_errors_and_help_name_verbs_too(trial, capsys):
    trial(
        "from runtime.common import command\n"
        "from runtime.common.command_parser import command_parser\n"
        "from runtime.common.errors import InputError\n"
        "def main(argv=None):\n"
        "    print(command_parser('python -m trial_command', 'As python -m train, not python -m train.other').format_help())\n"
        "    raise InputError('go on with: python -m train.label x')\n"
        "print(command.exit_code(main))\n"
    )
    handover.hand_over(TEST_VERB, [])
    shown = capsys.readouterr()
    assert shown.err == "error: go on with: edk label x\n"
    assert "As edk train, not python -m train.other" in shown.out and "usage: edk try" in shown.out
    assert spelled("python -m train") == "python -m train"


@pytest.mark.parametrize(
    ("given", "advice"),
    [("--sorce x", "; did you mean --source?"), ("--sorce=x", "; did you mean --source?"), ("--xyzzy", ""), ("x", "")],
)
def test_an_option_that_is_misspelt(trial, capsys, given, advice):
    trial(
        "import argparse\n"
        "parser = argparse.ArgumentParser(prog='python -m trial_command')\n"
        "parser.add_argument('--source')\n"
        "parser.parse_args()\n"
    )
    with pytest.raises(SystemExit):
        handover.hand_over(TEST_VERB, given.split())
    assert capsys.readouterr().err.endswith(f"edk try: error: unrecognized arguments: {given}{advice}\n")
    with pytest.raises(SystemExit):
        argparse.ArgumentParser().parse_args(["--other"])
    assert "did you mean" not in capsys.readouterr().err
