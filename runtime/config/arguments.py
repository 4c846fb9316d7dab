"""The options of `python -m runtime`, from the command line and from a configuration file."""

from __future__ import annotations

import argparse
from typing import Any, Dict, Optional, Sequence, Tuple

import runtime.filters
import runtime.inference.engines
import runtime.sinks
import runtime.sources
from runtime.common import plugins
from runtime.common.errors import InputError
from runtime.common.options import count, fraction, positive, seconds_or_zero
from runtime.frames.motion import SHARE
from runtime.frames.queue import policy
from runtime.frames.regions import region


def parser() -> argparse.ArgumentParser:
    """With the options that sources, filters and sinks bring."""
    made = argparse.ArgumentParser(
        prog="python -m runtime", description="Runs a detection .tflite on images, videos, cameras and streams."
    )
    made.add_argument("file", metavar="FILE", nargs="?", help="the detector, a .tflite")
    made.add_argument("--config", metavar="FILE", help="take what is not given here from a runtime.yaml")

    add = made.add_argument_group("source").add_argument
    add("--source", metavar="SRC", help="an image, a folder of images, a video file, a camera or a stream")
    add("--policy", type=policy, help="latest, block or drop-oldest:N: which frames wait for the detector")
    add("--realtime", action="store_true", help="play a video at its own rate, as a camera would")
    add("--loop", action="store_true", help="begin again at the end of a video or folder")
    add("--frames", type=positive, metavar="N", help="stop after N frames")
    add("--retries", type=count, metavar="N", help="give up a lost camera after N tries (default: never)")
    add(
        "--motion",
        type=fraction,
        nargs="?",
        const=SHARE,
        metavar="SHARE",
        help=f"leave out frames in which less than this share of the image changes (default {SHARE})",
    )
    add(
        "--roi",
        type=region,
        action="append",
        metavar="L,T,R,B",
        help="look only here: left, top, right, bottom as shares from 0 to 1, or in pixels; may be repeated",
    )
    plugins.add_options(runtime.sources, _Group(add))

    add = made.add_argument_group("engine").add_argument
    add("--engine", choices=runtime.inference.engines.names(), default="auto", help="what runs the model (default auto)")
    add("--device", action="append", help="usb, usb:0, pci:0; repeated, one engine on each; or a delegate's library")
    add("--fallback", action="store_true", help="run the int8 file beside a compiled one where there is no Edge TPU")
    add("--threads", type=positive, default=2, help="threads of the interpreter (default 2)")
    add(
        "--watchdog",
        type=seconds_or_zero,
        default=10.0,
        metavar="S",
        help="replace an engine that gives no answer for S seconds (default 10); 0 runs it in this process, unwatched",
    )

    add = made.add_argument_group("detections").add_argument
    add("--labels", metavar="FILE", help="class names, one a line (default: the model's own)")
    add(
        "--score",
        type=threshold,
        action="append",
        metavar="SCORE",
        help="leave out detections under this score (default: the model's own, else 0.5); CLASS=SCORE for one class",
    )
    plugins.add_options(runtime.filters, _Group(add))

    add = made.add_argument_group("results").add_argument
    add("--json", metavar="FILE", help="write one JSON line a frame to FILE, or to standard output for -")
    add(
        "--out",
        metavar="PATH",
        action="append",
        help="draw into a video (.mp4), a folder, one image, or a contact sheet (sheet:NAME.png); may be repeated",
    )
    add("--health", metavar="FILE", help="keep a small JSON file up to date that says how the run is doing")
    plugins.add_options(runtime.sinks, _Group(add))
    return made


def parse(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Every option: as given, else as the file of `--config` has it, else its default.

    Raises InputError where that file is wrong; wrong options end the program, as argparse does.
    """
    made = parser()
    defaults = _take_defaults(made)
    given = vars(made.parse_args(argv))
    from_file: Dict[str, Any] = {}
    if given.get("config"):
        from runtime.config import config_file

        from_file = config_file.read(given["config"], made)
    try:
        return _completed({**defaults, **from_file, **given})
    except InputError as error:
        made.error(str(error))


def from_values(values: Dict[str, Any]) -> argparse.Namespace:
    """As `parse`, of options by name: `{"file": "a.tflite", "source": "0", "only": "cat,dog"}`.

    Raises InputError.
    """
    from runtime.config import config_file

    made = parser()
    defaults = _take_defaults(made)
    from_file = config_file.read(values["config"], made) if values.get("config") else {}
    given = config_file.check({name: value for name, value in values.items() if name != "config"}, made)
    return _completed({**defaults, **from_file, **given})


def threshold(text: str) -> Tuple[str, float]:
    """`0.4`, or `person=0.4`, as (class, score); the class is empty for all."""
    name, equals, number = text.rpartition("=")
    if equals and not name:
        raise argparse.ArgumentTypeError(f"{text!r} names no class")
    return name, fraction(number)


def _take_defaults(made: argparse.ArgumentParser) -> Dict[str, Any]:
    """Removes them from the parser, which then gives only what was really said."""
    taken = {}
    for action in made._actions:
        if action.dest != "help":
            taken[action.dest] = action.default
            action.default = argparse.SUPPRESS
    return taken


def _completed(values: Dict[str, Any]) -> argparse.Namespace:
    options = argparse.Namespace(**values)
    for name in ("roi", "device", "score", "out"):
        setattr(options, name, getattr(options, name) or [])
    if not options.file:
        raise InputError("give the detector, a .tflite file")
    sources = [options.source] if options.source is not None else []
    sources += plugins.specs(runtime.sources, options)
    if len(sources) != 1:
        raise InputError(f"give one source, not {', '.join(sources)}" if sources else "give a source with --source")
    options.source = sources[0]
    return options


class _Group:
    """What plugins see of a parser: a place to add options to."""

    def __init__(self, add: Any) -> None:
        self.add_argument = add
