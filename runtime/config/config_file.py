"""Reads `runtime.yaml`, which may contain every option of the command line under the same name.

    file: detector_int8.tflite
    source: rtsp://camera/stream
    score: [0.5, person=0.7]
    serve: 8000

Names, types and limits are those of the argument parser, including the options of sources, filters and sinks.
"""

from __future__ import annotations

import argparse
import difflib
from typing import Any, Callable, Dict, Iterable, List, Mapping, Tuple

from runtime.common import yaml_text
from runtime.common.errors import InputError
from runtime.config.cameras import SOURCES, not_of_a_camera, wrong_name

EXTRA = "config"


def read(path: str, parser: argparse.ArgumentParser) -> Dict[str, Any]:
    """The options in a file, by their `dest` in the parser.

    Raises InputError with the line and the name of the first wrong option.
    """
    root, values = yaml_text.read(path, EXTRA)
    if root is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise InputError(f"{path}: line {root.start_mark.line + 1}: give options as NAME: VALUE, one a line")
    given = SOURCES in values
    cameras = values.pop(SOURCES, None)
    options = _checked(path, "", root, values, parser)
    if not given:
        return options
    node = _pairs(root)[SOURCES][1]
    where = f"{path}: line {node.start_mark.line + 1}: {SOURCES}"
    if options.get("source") is not None:
        raise InputError(f"{where}: there is a source, too; give the cameras' own sources only")
    if not isinstance(cameras, dict) or not cameras:
        raise InputError(f"{where}: give each camera as NAME: SRC, or as NAME: with its options below it")
    options[SOURCES] = {}
    known = _actions(parser)
    for (key, own), (name, content) in zip(_pairs(node).values(), cameras.items()):
        where = f"{path}: line {key.start_mark.line + 1}: {SOURCES}: {key.value}"
        if (reason := wrong_name(name)):
            raise InputError(f"{where}: {reason}")
        # `window: rtsp://...` is a camera; `frames: 5` stands one level too deep.
        if name in known and not isinstance(content, dict) and "://" not in str(content):
            raise InputError(
                f"{where}: is an option, which stands at the top level or below the name of a camera; a camera of that name "
                "has its source below it"
            )
        if isinstance(content, (str, int)) and not isinstance(content, bool):
            content, own = {"source": content}, None
        if not isinstance(content, dict) or not all(isinstance(option, str) for option in content):
            raise InputError(f"{where}: give SRC, or options as NAME: VALUE, one a line")
        for option, value in content.items():
            reason = not_of_a_camera(option, value)
            if reason:
                line = _pairs(own)[option][0].start_mark.line + 1
                raise InputError(f"{path}: line {line}: {SOURCES}: {name}: {option}: {reason}")
        options[SOURCES][name] = _checked(path, f"{SOURCES}: {name}: ", own or key, content, parser)
        if options[SOURCES][name].get("source") in (None, ""):
            raise InputError(f"{where}: give its source")
    return options


def _pairs(node: Any) -> Dict[str, Tuple[Any, Any]]:
    """The nodes of the keys and values of a mapping, by key; what stands there comes before what is merged into it (`<<`)."""
    return {key.value: (key, value) for key, value in node.value} if node.id == "mapping" else {}


def _checked(path: str, where: str, node: Any, values: Mapping[str, Any], parser: argparse.ArgumentParser) -> Dict[str, Any]:
    """The options in `values`, the content of `node`. Raises InputError, which names the line and the first wrong one."""
    options, errors = _validated(values, parser)
    lines = {name: key.start_mark.line for name, (key, _) in _pairs(node).items()}
    for name, reason in errors.items():
        raise InputError(f"{path}: line {lines.get(name, node.start_mark.line) + 1}: {where}{name}: {reason}")
    return options


def check(values: Mapping[str, Any], parser: argparse.ArgumentParser) -> Dict[str, Any]:
    """Converts options by name (`_` for `-`) to the types and `dest` names of the parser.

    Raises InputError for an unknown name, and for a value that the command line does not accept.
    """
    actions = _actions(parser)
    options = {}
    for name, value in values.items():
        action = actions.get(name.replace("_", "-"))
        if action is None:
            raise InputError(f"{name}: {_unknown(name, actions)}")
        try:
            options[action.dest] = _read(action, value)
        except ValueError as error:
            raise InputError(f"{name}: {error}") from None
    return options


def _validated(values: Mapping[str, Any], parser: argparse.ArgumentParser) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """The options by `dest`, and the errors by the name in `values`. If there are errors, no options."""
    pydantic = yaml_text.library("pydantic", "pydantic", EXTRA)
    actions = _actions(parser)
    # Names such as `json` are reserved in pydantic's models, so the fields are numbered.
    fields = {f"field_{number}": name for number, name in enumerate(actions)}
    model = pydantic.create_model(
        "Config",
        __config__=pydantic.ConfigDict(extra="forbid"),
        __validators__={
            f"check_{field}": pydantic.field_validator(field, mode="before")(_reader(actions[name]))
            for field, name in fields.items()
        },
        **{field: (Any, pydantic.Field(default=None, alias=name)) for field, name in fields.items()},
    )
    given = {name.replace("_", "-"): name for name in values}
    try:
        made = model(**{name: values[given[name]] for name in given})
    except pydantic.ValidationError as error:
        errors = {}
        for item in error.errors():
            name = str(item["loc"][0])
            unknown = item["type"] == "extra_forbidden"
            message = item["msg"].replace("Value error, ", "", 1)
            errors[given[name]] = _unknown(name, actions) if unknown else message
        return {}, errors
    return {actions[fields[field]].dest: getattr(made, field) for field in made.model_fields_set}, {}


def _actions(parser: argparse.ArgumentParser) -> Dict[str, argparse.Action]:
    return {name: action for action in parser._actions for name in _names(action)}


def _names(action: argparse.Action) -> List[str]:
    """The name of an option in a file: its long name without the leading dashes."""
    if action.dest in ("help", "config", argparse.SUPPRESS):
        return []
    if not action.option_strings:
        return [action.dest]
    return [option[2:] for option in action.option_strings if option.startswith("--")][:1]


def _reader(action: argparse.Action) -> Callable[[Any, Any], Any]:
    def read_value(cls: Any, value: Any) -> Any:
        return _read(action, value)

    return read_value


def _read(action: argparse.Action, value: Any) -> Any:
    """Converts a value as the command line would. Raises ValueError if it is not accepted."""
    if isinstance(action, (argparse._StoreTrueAction, argparse._StoreFalseAction)):
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is not true or false")
        return value
    if action.nargs == "?" and action.const is not None and isinstance(value, bool):
        return action.const if value else None
    if isinstance(action, argparse._AppendAction):
        return [_one(action, item) for item in (value if isinstance(value, list) else [value])]
    return _one(action, value)


def _one(action: argparse.Action, value: Any) -> Any:
    if action.dest == "source" and isinstance(value, (list, dict)):
        raise ValueError(f"give one source; several cameras stand below {SOURCES}, each as NAME: SRC")
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        # A list stands for values that the command line separates by commas.
        value = ",".join(str(item) for item in value)
    if value == {"camera": None}:
        raise ValueError('a value that begins with {camera} needs quotes, as in "{camera}.jsonl"')
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{value!r} is not a number or a text")
    text = str(value)
    try:
        read = action.type(text) if callable(action.type) else text
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from None
    if action.choices is not None and read not in action.choices:
        raise ValueError(f"{text!r} is not one of {', '.join(map(str, action.choices))}")
    return read


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return "there is no such option" + (f"; did you mean {near[0]}?" if near else "")
