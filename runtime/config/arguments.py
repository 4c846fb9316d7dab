"""The options of `python -m runtime`, from the command line and from a configuration file."""

from __future__ import annotations

import argparse
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import runtime.filters
import runtime.inference.engines
import runtime.sinks
import runtime.sources
from runtime.areas.areas import line, zone
from runtime.boxes.tiles import tiles
from runtime.common import plugins, redaction
from runtime.common.command_parser import Parser, add_version
from runtime.common.errors import InputError
from runtime.common.options import count, fraction, names, positive, seconds_or_zero
from runtime.config.cameras import cameras_given, named_alone
from runtime.frames.blurring import FLOOR
from runtime.frames.masks import mask
from runtime.frames.motion import SHARE
from runtime.frames.queue import policy
from runtime.frames.regions import region
from runtime.zones.geometry import ANCHORS

# That of the suppression within each class in the kit's own files.
AGNOSTIC_IOU = 0.6

_NO_SOURCE = (
    "give a source with --source: an image, a folder, a video, picamera, 0 for the first USB camera, or rtsp://CAMERA/STREAM"
)
_LISTS = ("roi", "mask", "device", "score", "out", "zone", "line")

# What `add_argument_group` returns; argparse has no public name for it.
_Group = argparse._ArgumentGroup


_EXAMPLES = """\
examples:
  python -m runtime detector_int8.tflite --source street.mp4 --out annotated.mp4
  python -m runtime detector_int8.tflite --source 0 --serve 8000 --json detections.jsonl
  python -m runtime --config runtime.yaml
"""


def parser() -> argparse.ArgumentParser:
    """The parser, including the options that sources, filters and sinks add."""
    made = Parser(
        prog="python -m runtime",
        # All options would fill a screen above each error.
        usage="%(prog)s FILE --source SRC [options]\n       %(prog)s --config FILE [options]",
        description="Runs a detection .tflite on images, videos, cameras and streams.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("file", metavar="FILE", nargs="?", help="the detector, a .tflite file")
    made.add_argument(
        "--config", metavar="FILE", help="read options from a YAML file; the command line takes precedence"
    )
    add_version(made)
    _add_source(made.add_argument_group("source"))
    _add_engine(made.add_argument_group("engine"))
    _add_detections(made.add_argument_group("detections"))
    _add_results(made.add_argument_group("results"))
    return made


def _add_source(group: _Group) -> None:
    add = group.add_argument
    add(
        "--source",
        metavar="SRC",
        action=_Source,
        help="an image, a folder of images, a video file, a camera or a stream; repeat it as NAME=SRC to run several cameras "
        "with one model",
    )
    add(
        "--policy",
        type=policy,
        metavar="POLICY",
        help="which frames to keep while the detector is busy: latest, block or drop-oldest:N "
        "(default: latest for cameras, streams and --realtime, else block)",
    )
    add("--realtime", action="store_true", help="play a video at its own rate, like a camera")
    add("--loop", action="store_true", help="start again at the end of a video or folder")
    add("--frames", type=positive, metavar="N", help="stop after N frames (default: no limit)")
    add("--retries", type=count, metavar="N", help="give up after N attempts to reopen a lost camera (default: never)")
    add(
        "--motion",
        type=fraction,
        nargs="?",
        const=SHARE,
        metavar="SHARE",
        help=f"skip frames in which less than this share of the image changes (default without SHARE: {SHARE})",
    )
    add(
        "--roi",
        type=region,
        action="append",
        metavar="L,T,R,B",
        help="detect only in this region: left, top, right, bottom as shares from 0 to 1, or in pixels; "
        "may be repeated (default: the whole image)",
    )
    add(
        "--tiles",
        type=tiles,
        metavar="GRID",
        help="for small objects: cut the image into tiles that overlap, such as 2x1 (columns x rows), look at each and at the "
        "whole image, and merge what is found; settings follow after commas (overlap=0.2, whole=no)",
    )
    add(
        "--mask",
        type=mask,
        action="append",
        metavar="X,Y,X,Y,...",
        help="blacken this polygon, corners as shares from 0 to 1 or in pixels, before anything is detected, written, "
        "sent or shown; may be repeated",
    )
    plugins.add_options(runtime.sources, group)


def _add_engine(group: _Group) -> None:
    add = group.add_argument
    add(
        "--engine",
        choices=runtime.inference.engines.names(),
        default="auto",
        help="the engine that runs the model (default: auto)",
    )
    add(
        "--device",
        metavar="DEVICE",
        action="append",
        help="an Edge TPU (usb, usb:0, pci:0), or a delegate's library; repeat it to run one engine on each "
        "(default: the first device found)",
    )
    add("--fallback", action="store_true", help="without an Edge TPU, run the int8 file beside the compiled one")
    add("--threads", type=positive, metavar="N", default=2, help="number of interpreter threads (default: 2)")
    add(
        "--watchdog",
        type=seconds_or_zero,
        default=10.0,
        metavar="SECONDS",
        help="restart an engine that does not answer for this long (default: 10); "
        "0 runs the engine in this process, without a watchdog",
    )
    add(
        "--shadow",
        metavar="FILE",
        help="compare another detector with this one, on a share of the frames, in time that nothing else wants; "
        "settings follow after commas (share=0.1, and follow=on for a link that may be missing and may change)",
    )


def _add_detections(group: _Group) -> None:
    add = group.add_argument
    add(
        "--labels",
        metavar="FILE",
        help="class names, one per line; or label_map.pbtxt, data.yaml, JSON (default: those in the model)",
    )
    add(
        "--score",
        type=threshold,
        action="append",
        metavar="SCORE",
        help="drop detections with a lower score (default: the model's threshold, else 0.5); "
        "CLASS=SCORE for one class; may be repeated",
    )
    add(
        "--all-labels",
        action="store_true",
        help="give all classes that a box is found as (default: of the very same box the class with the highest score)",
    )
    add(
        "--agnostic",
        type=fraction,
        nargs="?",
        const=AGNOSTIC_IOU,
        metavar="IOU",
        help="of two boxes that overlap by more than IOU, whatever their classes, give that with the higher score "
        f"(default without IOU: {AGNOSTIC_IOU:g}; default: boxes of two classes may overlap)",
    )
    add(
        "--blur",
        type=names,
        metavar="CLASSES",
        help="make objects of these classes unrecognizable, such as face,plate, in everything that is written, sent or "
        f"shown; also unsure ones, from a score of {FLOOR:g}, and with --roi all that the detector does not see",
    )
    plugins.add_options(runtime.filters, group)
    add(
        "--zone",
        type=zone,
        action="append",
        metavar="NAME=X,Y,X,Y,...",
        help="count the objects in this polygon and how long they stay, corners as shares from 0 to 1 or in pixels; objects "
        "are tracked for it; may be repeated",
    )
    add(
        "--line",
        type=line,
        action="append",
        metavar="NAME=X,Y,X,Y",
        help="count the objects that cross this line, in and out; in is to the right hand of who looks from its first end "
        "to its second; may be repeated",
    )
    add(
        "--anchor",
        choices=tuple(ANCHORS),
        default="bottom",
        help="the point of a box that is in a zone or crosses a line, in the middle of its width (default: bottom)",
    )


def _add_results(group: _Group) -> None:
    add = group.add_argument
    add("--json", metavar="FILE", help="write one JSON line per frame to FILE; - is standard output")
    add(
        "--out",
        metavar="PATH",
        action="append",
        help="write annotated results: a video (.mp4), a folder, an image, or a contact sheet (sheet:NAME.png); "
        "may be repeated",
    )
    add("--health", metavar="FILE", help="keep a JSON file with the health of the run up to date")
    plugins.add_options(runtime.sinks, group)


def parse(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parses the command line; options that are not given come from the file of `--config`, or are defaults.

    Raises InputError if that file is wrong. Wrong options end the program, as usual with argparse.
    """
    made = parser()
    defaults = _take_defaults(made)
    given = vars(made.parse_args(argv))
    from_file: Dict[str, Any] = {}
    if given.get("config"):
        from runtime.config import config_file

        from_file = config_file.read(given["config"], made)
    try:
        return _merged(defaults, from_file, {**given, "areas_file": _areas_file(given)})
    except InputError as error:
        made.error(str(error))


def from_values(values: Dict[str, Any]) -> argparse.Namespace:
    """The same for options by name: `{"file": "a.tflite", "source": "0", "only": "cat,dog"}`.

    Raises InputError.
    """
    from runtime.config import config_file

    made = parser()
    defaults = _take_defaults(made)
    from_file = config_file.read(values["config"], made) if values.get("config") else {}
    given = config_file.check({name: value for name, value in values.items() if name != "config"}, made)
    areas_file = _areas_file({**given, **values})
    return _merged(defaults, from_file, {**given, "config": values.get("config"), "areas_file": areas_file})


def threshold(text: str) -> Tuple[str, float]:
    """Argparse type: `0.4` or `person=0.4`, as (class, score). The class is empty for all classes."""
    name, equals, number = text.rpartition("=")
    if equals and not name:
        raise argparse.ArgumentTypeError(f"{text!r} names no class")
    return name, fraction(number)


def _take_defaults(made: argparse.ArgumentParser) -> Dict[str, Any]:
    """Removes the defaults from the parser, which then returns only the options that were given."""
    taken: Dict[str, Any] = {}
    for action in made._actions:
        if action.dest not in ("help", argparse.SUPPRESS):
            taken[action.dest] = action.default
            action.default = argparse.SUPPRESS
    return taken


def _areas_file(given: Mapping[str, Any]) -> Optional[str]:
    """The configuration file, which is to keep the zones and lines that are drawn; None where it isn't heard about them."""
    return None if "zone" in given or "line" in given else given.get("config")


class _Source(argparse.Action):
    """Stores the source; where it is given again, all of them as `repeated_source`."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, name: Optional[str] = None
    ) -> None:
        before = getattr(namespace, self.dest, None)
        if before is not None:
            namespace.repeated_source = [*getattr(namespace, "repeated_source", [before]), values]
        setattr(namespace, self.dest, values)


def _merged(defaults: Mapping[str, Any], from_file: Mapping[str, Any], given: Mapping[str, Any]) -> argparse.Namespace:
    """The options with their `sources`: those of each camera by its name, where there are several; else empty.

    What is `given` comes before what is in the file, and there what is said of a camera before what is said of all. Raises
    InputError.
    """
    shared = {**defaults, **from_file, **given}
    cameras: Mapping[str, Mapping[str, Any]] = shared.pop("sources", None) or {}
    repeated = shared.pop("repeated_source", None)
    if repeated is not None:
        cameras = cameras_given(repeated)
    elif "source" in given:
        cameras = {}
    if not cameras:
        return _completed({**shared, "sources": {}})
    mine = {name: value for name, value in given.items() if name not in ("source", "repeated_source")}
    options = argparse.Namespace(**_with_lists({**shared, "source": None, "sources": {}}))
    for name, own in cameras.items():
        try:
            options.sources[name] = _completed({**shared, "source": None, **own, **mine, "sources": {}})
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    return options


def _with_lists(values: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value or [] if name in _LISTS else value for name, value in values.items()}


def _completed(values: Dict[str, Any]) -> argparse.Namespace:
    """Checks that there is one file and one source, and switches on what outputs need. Raises InputError."""
    options = argparse.Namespace(**_with_lists(values))
    if not options.file:
        raise InputError("give the detector, a .tflite file")
    sources = [options.source] if options.source is not None else []
    sources += plugins.specs(runtime.sources, options)
    if len(sources) != 1:
        raise InputError(f"give one source, not {', '.join(map(redaction.address, sources))}" if sources else _NO_SOURCE)
    options.source = sources[0]
    if (reason := named_alone(options.source)):
        raise InputError(reason)
    options.track = options.track or runtime.sinks.needs_tracks([*options.out, *plugins.specs(runtime.sinks, options)])
    return options
