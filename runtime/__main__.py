"""`python -m runtime FILE --source SRC`: runs a detector on a picture, a folder or a video."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Callable, List, Optional, Sequence

import runtime.filters
import runtime.sinks
import runtime.sources
from runtime import plugins
from runtime.command import run as run_command
from runtime.detector import Detector
from runtime.errors import InputError
from runtime.filters import open_filters
from runtime.loop import Summary, run
from runtime.options import positive, share
from runtime.sinks import Sink, json_lines, open_sink
from runtime.sources import Source, open_source


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m runtime", description="Runs a detection .tflite on a picture, a folder or a video."
    )
    add = parser.add_argument
    add("file", metavar="FILE", help="the detector, a .tflite")
    add("--source", metavar="SRC", help="a picture, a folder of pictures or a video file")
    add("--json", metavar="FILE", help="write one JSON line a frame to FILE, or to standard output for -")
    add(
        "--out",
        metavar="PATH",
        action="append",
        default=[],
        help="draw into a video (.mp4), a folder, one picture, or a contact sheet (sheet:NAME.png); may be repeated",
    )
    add("--labels", metavar="FILE", help="class names, one a line (default: the model's own)")
    add("--score", type=share, default=0.5, help="leave out detections under this score (default 0.5)")
    add("--threads", type=positive, default=2, help="threads of the interpreter (default 2)")
    add("--frames", type=positive, metavar="N", help="stop after N frames")
    for package in (runtime.sources, runtime.filters, runtime.sinks):
        plugins.add_options(package, parser)
    options = parser.parse_args(argv)
    options.source = _source(parser, options)
    print(detect(options), file=sys.stderr)
    return 0


def detect(options: argparse.Namespace) -> Summary:
    """Does what the command's options say.

    Raises InputError before anything is written where the model, the source or a target is wrong.
    """
    detector = Detector(options.file, labels=options.labels, threads=options.threads, score=options.score)
    if not detector.labels_from:
        print(
            f'warning: {options.file}: no class names in it or beside it, so classes are called "class N"; '
            "give them with --labels",
            file=sys.stderr,
        )
    filters = open_filters(options, detector.labels)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(options.source))
        out = [*options.out, *plugins.specs(runtime.sinks, options)]
        sinks = [stack.enter_context(sink) for sink in _sinks(source, options.json, out)]
        progress = _progress(source, options.frames)
        return run(detector, source, sinks, options.frames, progress, filters=filters)


def _source(parser: argparse.ArgumentParser, options: argparse.Namespace) -> str:
    given = [options.source] if options.source is not None else []
    given += plugins.specs(runtime.sources, options)
    if len(given) != 1:
        parser.error(f"give one source, not {', '.join(given)}" if given else "give a source with --source")
    return given[0]


def _sinks(source: Source, json: Optional[str], out: Sequence[str]) -> List[Sink]:
    if [*out, json].count("-") > 1:
        raise InputError("-: standard output can take the results only once")
    sinks = [json_lines.connect(json, source)] if json else []
    sinks += [open_sink(spec, source) for spec in out]
    return sinks or [open_sink("console", source)]


def _progress(source: Source, frames: Optional[int]) -> Optional[Callable[[int], None]]:
    """Counts frames on a terminal's standard error; elsewhere there is nobody to watch."""
    if not sys.stderr.isatty() or source.frames == 1:
        return None
    total = min(filter(None, (source.frames, frames)), default=None)

    def show(done: int) -> None:
        if done == total or done % 10 == 0:
            of = f" of {total}" if total else ""
            end = "\n" if done == total else ""
            print(f"\r{done}{of} frames", end=end, file=sys.stderr, flush=True)

    return show


if __name__ == "__main__":
    run_command(main)
