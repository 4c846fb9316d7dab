"""The measure of the tests: errors that they find, and errors that they do not."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

from tests.support import mutants
from tests.support.mutant_sources import mutants as mutants_of
from tests.support.paths import ROOT

SOURCE = '''"""A module."""

from __future__ import annotations

LIMIT: float = 0.5


def clipped(value: int, low: int = 0) -> int:
    """The value, at least `low` and under `LIMIT`."""
    while value > 1000:
        value -= 1
    if not value >= low:
        raise ValueError(f"{value} is below {low}")
    return min(value, 9)
'''

TESTS = """import pytest
from train.tiny import clipped

def test_clipped():
    assert clipped(5) == 5 and clipped(1002) == 9
    with pytest.raises(ValueError):
        clipped(-1)
"""

RUN = """
import json, sys
from pathlib import Path
from tests.support.mutants import run, tests_of
root = Path(sys.argv[1])
tests = tests_of("train/tiny.py", root)
whole = run("train/tiny.py", tests, root, lines=(5, 12))
hanging = run("train/tiny.py", tests, root, lines=(11,), seconds=0.5)
source = (root / "train" / "tiny.py").read_text()
print(whole.summary())
print(json.dumps([[o, mutant.describe(source)] for mutant, o in (*whole.outcomes, *hanging.outcomes)]))
"""


def test_mutants_are_other_programs_with_one_error_each():
    found = mutants_of(SOURCE)
    described = [mutant.describe(SOURCE) for mutant in found]
    assert len(set(described)) == len(described)
    for expected in (
        "LIMIT: float = [- 0.5 -][+ 1.0 +]",
        "def clipped(value: int, low: int = [- 0 -][+ 1 +]) -> int:",
        "if [- not value >= low -][+ False +]:",
        "if [- not value >= low -][+ (value >= low) +]:",
        "if not value [- >= -][+ > +] low:",
        'raise ValueError(f"{value} is below {low}")',
        "return [- min(value, 9) -][+ (value) +]",
        "return [- min(value, 9) -][+ None +]",
        "[- value -= 1 -][+ pass +]",
    ):
        assert any(expected in text.replace("[- raise", "raise") for text in described), expected
    for mutant in found:
        ast.parse(mutant.of(SOURCE))
        assert ast.dump(ast.parse(mutant.of(SOURCE))) != ast.dump(ast.parse(SOURCE))
    lines = [mutant.line(SOURCE) for mutant in found]
    assert lines == sorted(lines) and set(lines) == {5, 8, 10, 11, 12, 13, 14}, "texts and annotations stay"


def test_expressions_keep_their_brackets_and_columns_after_other_alphabets():
    source = 'def f(a, b):\n    return ("ß" + a) * (b if a else b), g(b, a, k=a and b, l=2)\n'
    described = [mutant.describe(source) for mutant in mutants_of(source)]
    assert 'return ("ß" [- + -][+ - +] a) * (b if a else b), g(b, a, k=a and b, l=2)' in described
    assert 'return ("ß" + a) [- * -][+ / +] (b if a else b), g(b, a, k=a and b, l=2)' in described
    assert 'return ("ß" + a) * (b if a else b), g([- b, a -][+ a, b +], k=a and b, l=2)' in described
    assert 'return ("ß" + a) * (b if a else b), g(b, a, [- k=a and b, -][+ +] l=2)' in described
    assert 'return ("ß" + a) * (b if a else b), g(b, a, k=a [- and -][+ or +] b, l=2)' in described


def test_each_mutant_is_killed_survives_or_hangs_and_the_checkout_stays_as_it_is(tmp_path):
    root = tmp_path / "kit"
    (root / "train").mkdir(parents=True)
    (root / "tests" / "train").mkdir(parents=True)
    (root / "train" / "__init__.py").touch()
    (root / "train" / "tiny.py").write_text(SOURCE)
    (root / "tests" / "train" / "test_tiny.py").write_text(TESTS)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n')
    before = sorted(root.rglob("*"))
    done = subprocess.run([sys.executable, "-c", RUN, str(root)], cwd=ROOT, capture_output=True, text=True, check=True)
    summary, outcomes = done.stdout.splitlines()[-2:]
    by_text = {text: outcome for outcome, text in json.loads(outcomes)}
    assert by_text["if not value [- >= -][+ > +] low:"] == "survived", "no test has a value at its limit"
    assert by_text["LIMIT: float = [- 0.5 -][+ 1.0 +]"] == "survived"
    assert by_text["if [- not value >= low -][+ False +]:"] == "killed"
    # Both are endless loops.
    assert by_text["value [- -= -][+ += +] 1"] == by_text["[- value -= 1 -][+ pass +]"] == "timed out"
    assert summary == "train/tiny.py: 6 mutants, 4 killed, 2 survived, 0 timed out: 67% found"
    assert "survived train/tiny.py:12: if not value [- >= -][+ > +] low:" in done.stdout
    assert sorted(root.rglob("*")) == before and (root / "train" / "tiny.py").read_text() == SOURCE


def test_tests_of_a_file_are_those_that_lie_as_it_does_and_others_that_exist(tmp_path):
    assert mutants.tests_of("train/targets/matching.py", ROOT) == ["tests/train/targets/test_matching.py"]
    assert mutants.tests_of("train/targets/losses.py", ROOT)[0] == "tests/train/targets/test_losses.py"
    assert mutants.tests_of("train/targets/losses.py", tmp_path) == []
    for tests in mutants._FURTHER.values():
        assert all((ROOT / test).is_file() for test in tests)
