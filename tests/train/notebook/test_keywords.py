"""The keyword arguments of `train` are the options of a run."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

from train import train
from train.notebook import keywords
from train.run.options import Options

WHERE_PATHS_ARE_TAKEN = ("init", "init_mirror", "classes", "val", "from_run", "qat")


def test_names_and_types_are_those_of_the_options():
    fields = {field.name: field.type for field in dataclasses.fields(Options)}
    for name in WHERE_PATHS_ARE_TAKEN:
        fields[name] = fields[name].replace("str", "str | os.PathLike[str]")
    assert {name: ref.__forward_arg__ for name, ref in keywords.Keywords.__annotations__.items()} == fields


def test_help_and_completion_list_the_options_with_their_defaults():
    parameters = inspect.signature(train).parameters
    assert list(parameters)[:2] == ["data", "out"]
    assert {field.name: field.default for field in dataclasses.fields(Options)}.items() <= {
        name: item.default for name, item in parameters.items()
    }.items()
    assert all(item.kind is not inspect.Parameter.VAR_KEYWORD for item in parameters.values())


def test_paths_become_text():
    assert keywords.plain({"init": Path("a") / "b", "steps": 3}) == {"init": str(Path("a/b")), "steps": 3}
