"""`python -m tests.support.soak`: a run in which everything fails that fails within months of use.

The camera is lost and hangs, the broker is away, the clock is set, engines are killed and stopped, the model is loaded
again, and silent connections are made, while JSON lines, a video, MQTT, the page, metrics and the health file are written.
Prints what must be true with its figures, and exits with 1 where it is not. `--frames 20000` takes about six minutes on
an idle machine. `--with collect,shadow,mask,zones,events` has these on too (`all`: every one), after a run with them that is
ended by SIGKILL; folders of images are on a disk of 50 MB that another writer fills. With `--cameras` a second camera shares the
engine, and is lost and hangs at times of its own. Needs Linux, a C compiler and Debian's
package mosquitto; with `collect` or `events` also root, who may mount a disk.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import deque
from dataclasses import astuple, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from tests.support import tiny_detector
from tests.support.mosquitto import Mosquitto
from tests.support.ports import free_port
from tests.support.soak import cameras, disk, models, parts, street, verdict
from tests.support.soak.killed import killed
from tests.support.soak.parts import Part, Place
from tests.support.soak.parts.mask import Mask, black
from tests.support.soak.process import Process, Sample
from tests.support.soak.schedule import Schedule
from tests.support.soak.verdict import Check
from tests.support.soak.witnesses import Scraper, Silent, Subscriber, Viewer, retained

TOPIC = "edge/soak"
VIEWERS = 2
NAMES = "left\nmiddle\nright\n"
# Of the video, every so many frames are looked at for what a mask hides.
_EVERY = 50


@dataclass(frozen=True)
class Options:
    """`fps` is that of the camera; it counts as hung after `stalled` seconds, an engine after `watchdog`.

    `silent` connections are made, and the memory may grow by `megabytes`. `parts` are names of `tests.support.soak.parts`, and with
    `cameras` there are two.
    """

    frames: int = 20_000
    fps: float = 60.0
    stalled: float = 35.0
    watchdog: float = 10.0
    silent: int = 2000
    megabytes: float = 8.0
    parts: Tuple[str, ...] = ()
    cameras: bool = False


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.soak", description=__doc__.partition("\n")[0])
    usual = Options()
    parser.add_argument("--frames", type=int, default=usual.frames, help="that the camera delivers")
    parser.add_argument("--fps", type=float, default=usual.fps, help="frames a second of the camera")
    parser.add_argument("--stalled", type=float, default=usual.stalled, help="seconds after which a camera counts as hung")
    parser.add_argument("--watchdog", type=float, default=usual.watchdog, help="seconds after which an engine counts as hung")
    parser.add_argument("--silent", type=int, default=usual.silent, help="silent connections")
    parser.add_argument("--megabytes", type=float, default=usual.megabytes, help="by which the memory may grow")
    parser.add_argument(
        "--with", dest="parts", type=parts.chosen, default=usual.parts, metavar="PARTS",
        help=f"what to have on: any of {','.join(parts.names())}, or all",
    )  # fmt: skip
    parser.add_argument("--cameras", action="store_true", help="two cameras")
    parser.add_argument("--keep", type=Path, help="folder for everything that is written (default: a temporary one)")
    arguments = vars(parser.parse_args(argv))
    keep = arguments.pop("keep")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        checks = soak(folder, Options(**arguments))
    print("\n".join(map(str, checks)))
    return int(not all(check.good for check in checks))


def soak(folder: Path, options: Options) -> List[Check]:
    """Runs the soak in `folder`, which must be empty, and returns what must be true of it."""
    is_small = any(part.fills_disk for part in parts.connect(options.parts, Place(folder, folder, options.fps)))
    with Mosquitto(folder) as broker, disk.shared(folder, is_small) as shared:
        step = street.TILES_STEP if "tiles" in options.parts else street.SIDE_X
        place = Place(folder, shared, options.fps, cameras.FIRST if options.cameras else "", step)
        checks = killed(place, options.parts) if options.parts else []
        return checks + _Soak(place, broker, options, is_small).run(options.megabytes)


class _Soak:
    def __init__(self, place: Place, broker: Mosquitto, options: Options, is_small: bool) -> None:
        self._folder = folder = place.folder
        self._place = place
        self._topic = f"{TOPIC}/{place.camera}" if place.camera else TOPIC
        self._broker = broker
        self._schedule = schedule = Schedule.of(options.frames)
        self._checks: List[Check] = []
        self._parts: List[Part] = parts.connect(options.parts, place)
        self._writer = disk.OtherWriter(place.disk) if is_small else None
        has_street = bool(options.parts) or options.cameras
        self._model = models.first() if has_street else tiny_detector.build()
        (folder / "model.tflite").write_bytes(self._model)
        (folder / "names.txt").write_text(NAMES)
        cameras.plan(place, schedule, has_street)
        self._other = cameras.Other(place, cameras.other_outages(options.frames)) if options.cameras else None
        page, metrics = free_port(), free_port()
        self._scraper = Scraper(page, metrics, 0.5, place.camera)
        self._viewers = [Viewer(page, place.camera) for _ in range(VIEWERS)]
        self._silent = [Silent(page, options.silent) for _ in schedule.silent]
        self._subscriber = Subscriber(broker.port, self._topic)
        self._process = Process(
            folder,
            [
                "model.tflite", "--labels", "names.txt", *cameras.words(place), "--watchdog", f"{options.watchdog:g}", "--json",
                place.word(folder / "found.jsonl"), "--out", place.word(folder / "seen.mp4"), "--health", "health.json",
                "--serve", f"127.0.0.1:{page}", "--metrics", f"127.0.0.1:{metrics}",
                "--mqtt", f"mqtt://{broker.address}/{TOPIC},discovery=homeassistant,every=5",
                *(word for part in self._parts for word in part.words),
            ],
            options.stalled,
        )  # fmt: skip
        self._samples: List[Sample] = []
        self._threads = [self._scraper, *self._viewers, *([self._writer] if self._writer is not None else [])]
        self._late = 0

    def run(self, megabytes: float) -> List[Check]:
        for thread in self._threads:
            thread.start()
        steps = self._steps()
        begin = time.monotonic()
        while self._process.popen.poll() is None:
            while steps and self._process.given >= steps[0][0]:
                steps.popleft()[1]()
            self._observe(time.monotonic() - begin)
            for part in self._parts:
                part.look()
            time.sleep(0.25)
        for thread in self._threads:
            thread.end()
        for silent in self._silent:
            silent.end()
        self._subscriber.end()
        code, errors = self._process.popen.returncode, self._process.errors
        # The last line says what was written, the one before how the run went.
        told = [line for line in errors.splitlines() if not line.startswith("written: ")]
        self._check("exit code 0", code == 0, f"{code}; {(told or [''])[-1]}")
        rows = ["\t".join(map(str, astuple(sample))) for sample in self._samples]
        (self._folder / "samples.tsv").write_text("\n".join(["\t".join(Sample.__dataclass_fields__), *rows, ""]))
        self._check("everything took place", not steps, f"{len(steps)} steps left")
        if code == 0:
            self._judge(errors, megabytes)
        return self._checks

    def _judge(self, errors: str, megabytes: float) -> None:
        whole = json.loads(self._process.final.read_text())
        final = whole["cameras"][self._place.camera] if self._other is not None else whole
        source = self._place.camera or "unsteady"
        self._checks += verdict.counts(self._schedule, self._process.given, final, errors, source)
        if self._other is not None:
            self._checks += self._other.judge(whole, errors)
        seen = self._place.own(self._folder / "seen.mp4")
        self._checks += verdict.sinks(self._place.lines, seen, final, len(self._subscriber.frames))
        self._checks += verdict.growth(self._samples, self._schedule, megabytes)
        scraper = self._scraper
        made, closed = sum(one.made for one in self._silent), sum(one.closed_by_server for one in self._silent)
        self._check(
            "the page and the metrics always answer", not scraper.failures and min(scraper.done.values()) > 10,
            f"{scraper.done}, failures: {scraper.failures[:5]}",
        )  # fmt: skip
        self._check("viewers see images", all(viewer.seen for viewer in self._viewers), f"{[v.seen for v in self._viewers]}")
        self._check(
            "silent connections are closed", made - closed <= 64 * len(self._silent),
            f"{made} made, {closed} closed by the server",
        )  # fmt: skip
        self._check("the health file is always fresh", not self._late, f"{self._late} times older than 5 s")
        self._state_on_broker("state on the broker after the run", {"status": "offline", "source": "ended"})

        self._judge_parts(final)

    def _judge_parts(self, final: Dict[str, Any]) -> None:
        for part in self._parts:
            self._checks += [*part.whole(killed=False), *part.judge(final)]
        if self._writer is not None:
            self._checks.append(self._writer.judge())
        if any(isinstance(part, Mask) for part in self._parts):
            self._checks += black(chain(self._images(), *(part.images() for part in self._parts)))

    def _images(self) -> Iterator[Tuple[str, np.ndarray]]:
        """Images of what is always written and shown."""
        yield from (("video", image) for image in parts.frames(self._place.own(self._folder / "seen.mp4"), _EVERY))
        yield from (("page", image) for viewer in self._viewers for image in viewer.images())

    def _steps(self) -> Deque[Tuple[int, Callable[[], None]]]:
        """What is to be done, with the number of frames after which it is due."""
        made, process = self._schedule, self._process
        steps: List[Tuple[int, Callable[[], None]]] = [
            (made.away[0], self._broker.stop),
            (made.away[1], self._broker.start),
            (made.away[1] + 1, lambda: self._state_on_broker("state on the broker after its outage", _RUNNING)),
            (made.bad_reload, self._offer_broken_model),
            (made.frames * 97 // 100, lambda: self._state_on_broker("state on the broker at the end", _RUNNING)),
            # However many of them the machine had time for.
            (made.frames, process.popen.terminate),
        ]
        for silent, (begin, end) in zip(self._silent, made.silent):
            steps += [(begin, silent.start), (end, silent.end)]
        steps += [(at, lambda: process.popen.send_signal(signal.SIGHUP)) for at in made.reloads]
        steps += [(at, lambda: self._signal_engine(signal.SIGKILL)) for at in made.kills]
        steps += [(at, lambda: self._signal_engine(signal.SIGSTOP)) for at in made.stops]
        steps += [(at, partial(process.clock.set, hours)) for at, hours in made.clock]
        steps += [step for part in self._parts for step in part.steps(made, process)]
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
                all(found.get(f"{self._topic}/{key}") == value for key, value in wanted.items())
                and f"{self._topic}/device" in found
                and any(topic.startswith(f"{self._topic}/objects/") for topic in found)
                and any(topic.startswith("homeassistant/sensor/") for topic in found)
            )

        found = retained(self._broker, right, 45)
        shown = {topic.removeprefix(f"{self._topic}/"): text for topic, text in found.items() if len(text) < 20}
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
