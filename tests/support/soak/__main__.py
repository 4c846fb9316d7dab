"""`python -m tests.support.soak`: a run in which everything fails that fails within months of use.

The camera is lost and hangs, the broker is away, the clock is set, engines are killed and stopped, the model is loaded
again, and silent connections are made, while JSON lines, a video, MQTT, the page, metrics and the health file are written.
Prints what must be true with its figures, and exits with 1 where it is not. `--frames 20000` takes about six minutes on
an idle machine. Needs Linux, a C compiler and Debian's package mosquitto.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import deque
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Callable, Deque, Dict, List, Optional, Sequence, Tuple

from tests.support import tiny_detector
from tests.support.mosquitto import Mosquitto
from tests.support.ports import free_port
from tests.support.soak import verdict
from tests.support.soak.process import Process, Sample
from tests.support.soak.schedule import Schedule
from tests.support.soak.verdict import Check
from tests.support.soak.witnesses import Scraper, Silent, Subscriber, Viewer, retained

TOPIC = "edge/soak"
VIEWERS = 2
NAMES = "left\nmiddle\nright\n"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--fps", type=float, default=60.0, help="frames a second of the camera")
    parser.add_argument("--stalled", type=float, default=35.0, help="seconds after which a camera counts as hung")
    parser.add_argument("--watchdog", type=float, default=10.0, help="seconds after which an engine counts as hung")
    parser.add_argument("--silent", type=int, default=2000, help="silent connections")
    parser.add_argument("--megabytes", type=float, default=8.0, help="by which the memory may grow")
    parser.add_argument("--keep", type=Path, help="folder for everything that is written (default: a temporary one)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        checks = soak(folder, options.frames, options.fps, options.stalled, options.watchdog, options.silent, options.megabytes)
    print("\n".join(map(str, checks)))
    return int(not all(check.good for check in checks))


def soak(
    folder: Path, frames: int, fps: float, stalled: float, watchdog: float, silent: int, megabytes: float
) -> List[Check]:
    """Runs the soak in `folder`, which must be empty, and returns what must be true of it."""
    with Mosquitto(folder) as broker:
        return _Soak(folder, broker, Schedule.of(frames), fps, stalled, watchdog, silent).run(megabytes)


class _Soak:
    def __init__(
        self,
        folder: Path,
        broker: Mosquitto,
        schedule: Schedule,
        fps: float,
        stalled: float,
        watchdog: float,
        silent: int,
    ) -> None:
        self._folder = folder
        self._broker = broker
        self._schedule = schedule
        self._checks: List[Check] = []
        self._model = tiny_detector.build()
        (folder / "model.tflite").write_bytes(self._model)
        (folder / "names.txt").write_text(NAMES)
        (folder / "plan.json").write_text(json.dumps(schedule.plan(fps, str(folder / "given"))))
        page, metrics = free_port(), free_port()
        self._scraper = Scraper(page, metrics, 0.5)
        self._viewers = [Viewer(page) for _ in range(VIEWERS)]
        self._silent = Silent(page, silent)
        self._subscriber = Subscriber(broker.port)
        self._process = Process(
            folder,
            [
                "model.tflite", "--labels", "names.txt", "--source", "unsteady:plan.json", "--frames", str(schedule.frames),
                "--watchdog", f"{watchdog:g}", "--json", "found.jsonl", "--out", "seen.mp4", "--health", "health.json",
                "--serve", f"127.0.0.1:{page}", "--metrics", f"127.0.0.1:{metrics}",
                "--mqtt", f"mqtt://{broker.address}/{TOPIC},discovery=homeassistant,every=5",
            ],
            stalled,
        )  # fmt: skip
        self._samples: List[Sample] = []
        self._late = 0

    def run(self, megabytes: float) -> List[Check]:
        for thread in (self._scraper, *self._viewers):
            thread.start()
        steps = self._steps()
        begin = time.monotonic()
        while self._process.popen.poll() is None:
            while steps and self._process.given >= steps[0][0]:
                steps.popleft()[1]()
            self._observe(time.monotonic() - begin)
            time.sleep(0.25)
        for thread in (self._scraper, *self._viewers):
            thread.end()
        self._silent.end()
        self._subscriber.end()
        code, errors = self._process.popen.returncode, self._process.errors
        self._check("exit code 0", code == 0, f"{code}; {(errors.splitlines() or [''])[-1]}")
        rows = ["\t".join(map(str, astuple(sample))) for sample in self._samples]
        (self._folder / "samples.tsv").write_text("\n".join(["\t".join(Sample.__dataclass_fields__), *rows, ""]))
        self._check("everything took place", not steps, f"{len(steps)} steps left")
        if code == 0:
            self._judge(errors, megabytes)
        return self._checks

    def _judge(self, errors: str, megabytes: float) -> None:
        final = json.loads(self._process.final.read_text())
        self._checks += verdict.counts(self._schedule, self._process.given, final, errors)
        self._checks += verdict.sinks(self._folder, final, len(self._subscriber.frames))
        self._checks += verdict.growth(self._samples, self._schedule, megabytes)
        scraper, silent = self._scraper, self._silent
        self._check(
            "the page and the metrics always answer", not scraper.failures and min(scraper.done.values()) > 10,
            f"{scraper.done}, failures: {scraper.failures[:5]}",
        )  # fmt: skip
        self._check("viewers see images", all(viewer.seen for viewer in self._viewers), f"{[v.seen for v in self._viewers]}")
        self._check(
            "silent connections are closed", silent.made - silent.closed_by_server <= 64,
            f"{silent.made} made, {silent.closed_by_server} closed by the server",
        )  # fmt: skip
        self._check("the health file is always fresh", not self._late, f"{self._late} times older than 5 s")
        self._state_on_broker("state on the broker after the run", {"status": "offline", "source": "ended"})

    def _steps(self) -> Deque[Tuple[int, Callable[[], None]]]:
        """What is to be done, with the number of frames after which it is due."""
        made, process = self._schedule, self._process
        steps: List[Tuple[int, Callable[[], None]]] = [
            (made.away[0], self._broker.stop),
            (made.away[1], self._broker.start),
            (made.away[1] + 1, lambda: self._state_on_broker("state on the broker after its outage", _RUNNING)),
            (made.silent[0], self._silent.start),
            (made.silent[1], self._silent.end),
            (made.bad_reload, self._offer_broken_model),
            (made.frames * 97 // 100, lambda: self._state_on_broker("state on the broker at the end", _RUNNING)),
        ]
        steps += [(at, lambda: process.popen.send_signal(signal.SIGHUP)) for at in made.reloads]
        steps += [(at, lambda: self._signal_engine(signal.SIGKILL)) for at in made.kills]
        steps += [(at, lambda: self._signal_engine(signal.SIGSTOP)) for at in made.stops]
        steps += [(at, partial(process.clock.set, hours)) for at, hours in made.clock]
        return deque(sorted(steps, key=lambda step: step[0]))

    def _signal_engine(self, number: signal.Signals) -> None:
        self._check(f"{number.name} to an engine", self._process.signal_engine(number), f"{self._process.given} frames")

    def _offer_broken_model(self) -> None:
        path = self._folder / "model.tflite"
        _replace(path, self._model[:200])
        self._process.popen.send_signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while "is refused" not in self._process.errors and time.monotonic() < end:
            time.sleep(0.1)
        _replace(path, self._model)

    def _state_on_broker(self, name: str, wanted: Dict[str, str]) -> None:
        def right(found: Dict[str, str]) -> bool:
            return (
                all(found.get(f"{TOPIC}/{key}") == value for key, value in wanted.items())
                and f"{TOPIC}/device" in found
                and any(topic.startswith(f"{TOPIC}/objects/") for topic in found)
                and any(topic.startswith("homeassistant/sensor/") for topic in found)
            )

        found = retained(self._broker, right, 45)
        shown = {topic.removeprefix(f"{TOPIC}/"): text for topic, text in found.items() if len(text) < 20}
        self._check(name, right(found), f"{shown}, {len(found)} retained")

    def _observe(self, second: float) -> None:
        sample = self._process.sample(second)
        if sample is not None:
            self._samples.append(sample)
        health = self._process.health()
        is_settled = time.monotonic() - self._process.clock.set_at > 3
        if health is not None and is_settled and abs(time.time() + 3600 * self._process.clock.hours - health["time"]) > 5:
            self._late += 1

    def _check(self, name: str, good: bool, figures: str) -> None:
        self._checks.append(Check(name, good, figures))


def _replace(path: Path, data: bytes) -> None:
    """Replaces a file by another: the engine has mapped the old one, and one that is cut short in place ends it by SIGBUS."""
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)


_RUNNING = {"status": "online", "source": "running"}


if __name__ == "__main__":
    sys.exit(main())
