"""What one camera gets of the engine while another hangs: two runs in turn, with and without the hang.

    python -m tests.support.measure_cameras MODEL [SECONDS [ROUNDS [MILLISECONDS]]]

With MILLISECONDS, the model runs in this process and takes so much longer, in which it does nothing: on a busy machine, that is
what does not change. Prints frames a second of each camera, the ratio of the two, and the memory. Cameras deliver 30 frames a second, one of them 2.
"""

from __future__ import annotations

import statistics
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


class Sky(Source):
    """A live camera of moving noise: `sky:FPS`, or `sky:hang`, which gives 20 frames and no more."""

    live = True

    def __init__(self, spec: str) -> None:
        self.name = spec
        self._hangs = spec == "sky:hang"
        self._pause = 1 / 30 if self._hangs else 1 / float(spec.partition(":")[2])
        self._closed = threading.Event()
        noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
        self._images = [np.roll(noise, 7 * step, 1) for step in range(8)]

    def __iter__(self) -> Iterator[Frame]:
        index, due = 0, time.monotonic()
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            if self._hangs and index == 20:
                threading.Event().wait()
            due += self._pause
            yield Frame(self._images[index % 8], index, time.time(), monotonic=time.monotonic())
            index += 1

    def close(self) -> None:
        self._closed.set()


def measured(model: str, cameras: Dict[str, str], seconds: float) -> Dict[str, float]:
    """Frames a second of each of `cameras`, after two seconds in which the run begins."""
    sources = [word for name, spec in {**cameras, "more": "sky:1"}.items() for word in ("--source", f"{name}={spec}")]
    options = parse([model, *sources, "--threads", "1", "--out", "null:", *EXTRA])
    # The command line takes two at least.
    del options.sources["more"]
    found: Dict[str, float] = {}

    def watch(state: State) -> None:
        def count() -> None:
            time.sleep(2)
            before = {name: own.snapshot()["frames"] for name, own in state.cameras.items()}  # type: ignore[attr-defined]
            begin = time.perf_counter()
            time.sleep(seconds)
            for name, own in state.cameras.items():  # type: ignore[attr-defined]
                now = own.snapshot()
                found[name] = (now["frames"] - before[name]) / (time.perf_counter() - begin)
                found[f"{name} dropped"] = now["dropped"]["source"]
            state.stop()

        threading.Thread(target=count, daemon=True).start()

    detect_all(options, watch)
    return found


def memory() -> float:
    """Megabytes that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def main() -> None:
    """The command."""
    model, seconds, rounds = sys.argv[1], float((*sys.argv[2:], "8")[0]), int((*sys.argv[3:], "4")[0])
    if len(sys.argv) > 4:
        invoke, pause = Interpreter.invoke, float(sys.argv[4]) / 1000

        def slow(self: Interpreter, tensor: np.ndarray) -> List[np.ndarray]:
            time.sleep(pause)
            return invoke(self, tensor)

        Interpreter.invoke = slow  # type: ignore[method-assign]
        EXTRA.extend(["--watchdog", "0"])
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
    kinds = {
        "alone": {"door": "sky:30"},
        "beside a hang": {"door": "sky:30", "yard": "sky:hang"},
        "three, one of 2 fps": {"door": "sky:30", "yard": "sky:30", "gate": "sky:2"},
    }
    rates: Dict[str, List[float]] = {}
    for _ in range(rounds):
        for kind, cameras in kinds.items():
            found = measured(model, cameras, seconds)
            rates.setdefault(kind, []).append(found["door"])
            print(f"{kind}: {', '.join(f'{name} {value:.2f}' for name, value in found.items())}; {memory():.0f} MB", flush=True)
    pairs = list(zip(rates["beside a hang"], rates["alone"]))
    print("ratio beside a hang / alone:", f"{statistics.median(one / other for one, other in pairs):.3f}", [round(one / other, 3) for one, other in pairs])


if __name__ == "__main__":
    assert runtime.sources
    main()
