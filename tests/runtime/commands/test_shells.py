"""The scripts in the shells for which they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from runtime.commands import shells
from tests.support.paths import ROOT

# Prints what is offered, or that paths are.
PROGRAMS = {
    "bash": """
source edk.bash
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _edk edk; echo "${COMPREPLY[*]:-paths}"; }
""",
    "zsh": """
compdef() { registered=($@) }
source ./edk.zsh
[[ $registered == "_edk edk edge-detection-kit" ]] || print "not registered: $registered"
compset() { prefix=$2 }
_files() { print paths }
_describe() { print -- ${(@)described%%:*} }
try() { words=("$@"); CURRENT=$#; _edk }
""",
    "fish": """
source edk.fish
function try
    set -l found (complete -C (string join ' ' -- $argv) | string replace -r '\\t.*' '')
    if contains -- a.tflite $found; echo paths; else; echo $found; end
end
""",
}


@pytest.fixture(params=PROGRAMS)
def shell(request, tmp_path):
    """Runs a program in a shell, in a folder with `edk` and a file, where `try WORDS` prints what completes them."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    edk = tmp_path / "bin" / "edk"
    edk.parent.mkdir()
    edk.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m runtime.commands "$@"\n')
    edk.chmod(0o755)
    (tmp_path / f"edk.{name}").write_text(shells.script([name]))
    (tmp_path / "a.tflite").touch()
    environment = {**os.environ, "PATH": f"{edk.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}

    def run(*lines):
        words = [name, *(["--norc"] if name == "bash" else ["-f"] if name == "zsh" else ["--no-config"])]
        program = PROGRAMS[name] + "\n".join(lines)
        done = subprocess.run(
            [*words, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.stderr == "", done.stderr
        return done.stdout.splitlines()

    return run


def test_words_and_paths_are_completed(shell):
    found = shell(
        "try edk trai", "try edk export --to y", "try edk run ''", "try edk run a.tflite --js", "try edk run --json ''"
    )
    assert found == ["train train-bench", "yolo", "paths", "--json", "paths"]


@pytest.mark.parametrize("shell", ["zsh"], indirect=True)
def test_the_zsh_script_works_as_a_file_in_fpath(shell, tmp_path):
    (tmp_path / "_edk").write_text(shells.script(["zsh"]))
    found = shell("unfunction _edk; fpath=($PWD $fpath); autoload -Uz _edk", "try edk export --to y", "try edk run ''")
    assert found == ["yolo", "paths"]


@pytest.mark.parametrize("shell", ["bash"], indirect=True)
def test_the_bash_script_takes_a_value_after_an_equals_sign(shell):
    assert shell("try edk run --engine = cp", "try edk export --to =") == ["cpu", "coco csv pascal_voc tfrecord yolo"]
