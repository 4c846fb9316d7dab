"""The page of `runtime.yaml`: every option that the file may hold, from the model that reads it."""

from __future__ import annotations

import argparse

from docs.generator.markdown import code, escaped, table
from runtime.config import arguments, config_file

PATH = "reference/runtime-yaml.md"

_HEAD = """\
# runtime.yaml

`edk run --config runtime.yaml` reads options from a YAML file (extra `config`); those on the command line come first.
The names are those of the command line without the dashes, and a name may be written with `_` for `-`. A wrong name or
value is reported with its line. A list stands for an option that may be repeated, or for values that commas separate.

```yaml
file: detector_int8.tflite
source: rtsp://camera/stream
score: [0.5, person=0.7]
only: [person, car]
motion: true
serve: 8000
out: found.mp4
```

## Several cameras

`sources` stands in place of `source`: by the name of each camera its source, or the options that are its own, with `source`
among them. What it does not say is as at the top level. See [Several cameras, one model](../how-to/several-cameras.md).

```yaml
sources:
  door: rtsp://camera/stream
  yard:
    source: 0
    motion: true
    json: yard.jsonl
```
"""


def pages() -> dict[str, str]:
    """The page by its path below docs/."""
    parser = arguments.parser()
    parts = [_HEAD.rstrip()]
    known = {action.dest: name for name, action in config_file._actions(parser).items()}
    for group in parser._action_groups:
        rows = [
            [code(known[action.dest]), _value(action), escaped(" ".join((action.help or "").split()))]
            for action in group._group_actions
            if action.dest in known and action.help != argparse.SUPPRESS
        ]
        if rows:
            heading = {"positional arguments": "Detector", "options": "General"}.get(
                group.title or "", group.title or ""
            )
            parts += [f"## {heading[:1].upper()}{heading[1:]}", table(["name", "value", "what"], rows)]
    return {PATH: "\n\n".join(parts) + "\n"}


def _value(action: argparse.Action) -> str:
    """What may stand behind the name."""
    if isinstance(action, (argparse._StoreTrueAction, argparse._StoreFalseAction)):
        return "`true` or `false`"
    if action.choices is not None:
        return ", ".join(code(str(choice)) for choice in action.choices)
    metavar = code(str(action.metavar or action.dest.upper()))
    if isinstance(action, argparse._AppendAction):
        return f"{metavar}, or a list"
    return f"`true` or {metavar}" if action.nargs == "?" and action.const is not None else metavar
