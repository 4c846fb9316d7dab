"""What one camera gets of the engine while others hang: runs in turn, or side by side, with and without the hang.

    python -m tests.support.measure_cameras MODEL --seconds 8 --rounds 4
    python -m tests.support.measure_cameras MODEL --beside 60 --pause 60

With `--pause`, the model runs in this process and takes so many milliseconds longer, in which it does nothing: on a busy machine,
that is what does not change. Prints frames a second of each camera, the ratio of the two, and the memory. Cameras deliver 30 frames
a second, one of them 2. With `--beside`, two processes run for so many minutes at once, one with a single camera, the other with two
more of which one hangs each time it is opened, and one does not even open again; each minute gives a ratio.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import Dict, Iterator, List

import numpy as np

import runtime.sources
from runtime.cameras.session import detect_all
from runtime.common import plugins
from runtime.common.values import Frame
from runtime.config.arguments import parse
from runtime.inference.interpreter import Interpreter
from runtime.sources import Source
from runtime.telemetry.state import State

EXTRA: List[str] = []
OPENED = threading.Event()
# Shared: a camera that hangs keeps what it holds, and is opened again every 35 seconds.
IMAGES = [np.random.default_rng(seed).integers(0, 256, (480, 640, 3), np.uint8) for seed in range(8)]


class Sky(Source):
    """A live camera of moving noise: `sky:FPS`, `sky:hang`, which gives 20 frames and no more, or `sky:gone`, which then does not
    open again."""

    live = True

    def __init__(self, spec: str) -> None:
        self.name = spec
        self._hangs = spec in ("sky:hang", "sky:gone")
        if spec == "sky:gone":
            if OPENED.is_set():
                threading.Event().wait()
            OPENED.set()
        self._pause = 1 / 30 if self._hangs else 1 / float(spec.partition(":")[2])
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        index, due = 0, time.monotonic()
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            if self._hangs and index == 20:
                threading.Event().wait()
            due += self._pause
            yield Frame(IMAGES[index % len(IMAGES)], index, time.time(), monotonic=time.monotonic())
            index += 1

    def close(self) -> None:
        self._closed.set()


def measured(model: str, cameras: Dict[str, str], seconds: float, times: int = 1) -> Dict[str, float]:
    """Frames a second of each of `cameras`, after two seconds in which the run begins: the last of `times` spans of `seconds`.

    Where there are several spans, each is printed.
    """
    sources = [word for name, spec in {**cameras, "more": "sky:1"}.items() for word in ("--source", f"{name}={spec}")]
    options = parse([model, *sources, "--threads", "1", "--out", "null:", *EXTRA])
    # The command line takes two at least.
    del options.sources["more"]
    found: Dict[str, float] = {}

    def count(state: State) -> None:
        time.sleep(2)
        for _ in range(times):
            before = {name: own.snapshot()["frames"] for name, own in state.cameras.items()}  # type: ignore[attr-defined]
            begin = time.perf_counter()
            time.sleep(seconds)
            for name, own in state.cameras.items():  # type: ignore[attr-defined]
                now = own.snapshot()
                found[name] = (now["frames"] - before[name]) / (time.perf_counter() - begin)
                found[f"{name} dropped"] = now["dropped"]["source"]
            if times > 1:
                print(f"{found['door']:.4f} {memory():.1f} {threading.active_count()}", flush=True)
        state.stop()

    detect_all(options, lambda state: threading.Thread(target=count, args=(state,), daemon=True).start())
    return found


def memory() -> float:
    """Megabytes that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


KINDS = {
    "alone": {"door": "sky:30"},
    "beside a hang": {"door": "sky:30", "yard": "sky:hang"},
    "three, one of 2 fps": {"door": "sky:30", "yard": "sky:30", "gate": "sky:2"},
}
HANGING = {"door": "sky:30", "yard": "sky:hang", "gate": "sky:gone"}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.0, metavar="MILLISECONDS")
    parser.add_argument("--beside", type=int, metavar="MINUTES")
    parser.add_argument("--only", choices=("alone", "hanging"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.beside and not arguments.only:
        beside(sys.argv[1:])
        return
    add_kinds()
    if arguments.pause:
        slow(arguments.pause / 1000)
    if arguments.only:
        measured(arguments.model, KINDS["alone"] if arguments.only == "alone" else HANGING, 60, arguments.beside)
        return
    rates: Dict[str, List[float]] = {}
    for _ in range(arguments.rounds):
        for kind, cameras in KINDS.items():
            found = measured(arguments.model, cameras, arguments.seconds)
            rates.setdefault(kind, []).append(found["door"])
            print(f"{kind}: {', '.join(f'{name} {value:.2f}' for name, value in found.items())}; {memory():.0f} MB", flush=True)
    pairs = list(zip(rates["beside a hang"], rates["alone"]))
    print("ratio beside a hang / alone:", f"{statistics.median(one / other for one, other in pairs):.3f}", [round(one / other, 3) for one, other in pairs])


def beside(words: List[str]) -> None:
    """Runs both kinds at once, and compares each minute of one with the same minute of the other."""
    command = [sys.executable, "-m", "tests.support.measure_cameras", *words, "--only"]
    runs = [subprocess.Popen([*command, kind], stdout=subprocess.PIPE, text=True) for kind in ("hanging", "alone")]
    lines = (map(str.split, filter(lambda line: line[:1].isdigit(), run.stdout)) for run in runs if run.stdout)
    ratios = []
    for minute, ((hanging, held, threads), (alone, _, _)) in enumerate(zip(*lines), 1):
        ratios.append(float(hanging) / float(alone))
        print(f"minute {minute}: {hanging} / {alone} frames/s = {ratios[-1]:.3f}; {held} MB, {threads} threads", flush=True)
    for run in runs:
        run.wait()
    print(f"ratio of {len(ratios)} minutes: {statistics.median(ratios):.4f} ({min(ratios):.3f} to {max(ratios):.3f})")


def slow(pause: float) -> None:
    """Makes each run of a model `pause` seconds longer."""
    invoke = Interpreter.invoke

    def later(self: Interpreter, tensor: np.ndarray) -> List[np.ndarray]:
        time.sleep(pause)
        return invoke(self, tensor)

    Interpreter.invoke = later  # type: ignore[method-assign]
    EXTRA.extend(["--watchdog", "0"])


def add_kinds() -> None:
    """Adds the cameras, and an output that does nothing."""
    modules = plugins.modules
    from runtime.sinks import Sink

    class Null(Sink):
        lossless = False

        def write(self, frame: Frame, detections: object) -> None:
            pass

    extra = {
        "runtime.sources": SimpleNamespace(
            __name__="runtime.sources.sky", KIND="sky", LIVE=True, accepts=lambda spec: spec.startswith("sky:"), connect=Sky
        ),
        "runtime.sinks": SimpleNamespace(
            __name__="runtime.sinks.null", KIND="null", accepts=lambda spec: spec == "null:", connect=lambda spec, source: Null()
        ),
    }  # fmt: skip
    plugins.modules = lambda package: [*filter(None, [extra.get(package.__name__)]), *modules(package)]


if __name__ == "__main__":
    assert runtime.sources
    main()
