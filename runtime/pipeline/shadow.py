"""A second model in the shadow of the one that counts: it sees a share of the frames, and how far they agree is counted.

Its engine runs on the processor, in a process of its own that gets only the time that nothing else wants, so that it does
not slow the first.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Callable, Dict, FrozenSet, List, Optional, Protocol, Tuple

import numpy as np

from runtime.boxes.agreement import agreement
from runtime.common import settings
from runtime.common.errors import InputError, KitError
from runtime.common.options import fraction
from runtime.common.values import Detection, Frame
from runtime.filters import open_filters
from runtime.frames.regions import Crop
from runtime.inference.detector import Detector
from runtime.inference.engines import Request, int8_beside
from runtime.inference.process.engine import EngineProcess
from runtime.pipeline import active_model
from runtime.pipeline.capture import error_text
from runtime.telemetry import kept_comparison
from runtime.telemetry.comparison import Comparison
from runtime.telemetry.health import sha256_of
from runtime.telemetry.state import State

OPTION = "--shadow"
SHARE = 0.1

# Failures in a row after which the second model is given up.
_ATTEMPTS = 3
# Seconds without an answer after which its engine counts as hung; it may have to wait long for its turn.
_PATIENCE = 60.0
_TICK = 0.2
# A compared frame speaks for so many seconds before it at the most: nothing was compared in a longer pause.
_PAUSE = 60.0

# Takes a frame, what counts in it, and what the second model finds.
Deliver = Callable[[Frame, Tuple[Detection, ...], Tuple[Detection, ...]], None]


@dataclass(frozen=True)
class Spec:
    """What `--shadow` says: the file, the share of frames in 0..1, and whether the file is a link that is followed."""

    file: str
    share: float = SHARE
    follow: bool = False


def parse(spec: str) -> Spec:
    """Reads `FILE[,share=SHARE][,follow=on]`. Raises InputError."""
    name, found = settings.parse(spec, {"share": fraction, "follow": _switch}, OPTION)
    share = found.get("share", SHARE)
    if not name or not share:
        raise InputError(f"{OPTION}: give a detector, and a share of the frames over 0")
    return Spec(name, share, found.get("follow", False))


@dataclass(frozen=True)
class Judged:
    """By what a camera judges the first model: its threshold, in 0..1, and its classes, empty for all."""

    score: float
    only: FrozenSet[str]


class ToCompare(Protocol):
    """A frame that the second model is to see, once it is known what counts in it: `Prepared`, or one that is shared."""

    def compare(self, frame: Frame, detections: Tuple[Detection, ...]) -> None:
        """See `Prepared.compare`."""

    def leave_out(self) -> None:
        """See `Prepared.leave_out`."""


class SecondModel(Protocol):
    """What the loop hands frames to."""

    def prepare(self, frame: Frame, crop: Optional[Crop]) -> Optional[ToCompare]:
        """The second model's input for the frame, or for `crop` of it, where it is to see it; else None."""


class Shadow:
    """Runs the second model while its `with` block lasts. Whatever becomes of it, the run goes on."""

    def __init__(
        self, options: argparse.Namespace, state: State, deliver: Deliver, file: str = "", resume: bool = False
    ) -> None:
        """Loads the model `file`, by default the one that `options.shadow` names; with `resume`, what an earlier run kept goes on.

        Of a model for the Edge TPU, it takes the file that it was made of, since the chip belongs to the first model.
        Raises InputError or KitError if it cannot be loaded.
        """
        spec = parse(options.shadow)
        self._file = file or spec.file
        # One frame in so many.
        self._every = max(1, round(1 / spec.share))
        self._only = frozenset(options.only or ())
        self._state = state
        self._deliver = deliver
        beside = str(int8_beside(self._file))
        loaded = beside if beside != self._file and int8_beside(self._file).is_file() else self._file
        self._sha256 = sha256_of(self._file)
        self._process = EngineProcess(loaded, Request("cpu", threads=1), _PATIENCE, background=True)
        try:
            self._process.wait_until_ready()
            self._detector: Detector = active_model.make_detector(options, loaded, self._process)
            # Their options may name classes that it does not have.
            open_filters(options, self._detector.labels)
        except BaseException:
            self._process.close()
            raise
        self._own_score = self._detector.score
        self._offered = 0
        self._waiting: Optional[_Item] = None
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._begin()
        earlier = kept_comparison.load(self._file, self._sha256, self._against) if resume else None
        if earlier is not None:
            self._go_on(earlier)

    def _begin(self) -> None:
        """Begins to count, anew where the first model has changed."""
        self._id = uuid.uuid4().hex
        self._reloads, self._against, self._score = self._state.reloads, self._state.path, self._state.score
        self._since = time.monotonic()
        self._seconds = 0.0
        self._frames = 0
        self._missed = 0
        # What was offered before.
        self._earlier = max(0, self._offered // self._every - 1)
        self._classes: Dict[str, List[int]] = {}
        self._error, self._may_pass = "", False
        first, second = self._state.labels.names, self._detector.labels.names
        # The classes that only one of them knows. A model without names may know any.
        both_named = bool(first and second)
        self._alone = (
            tuple(name for name in first if name not in second and both_named),
            tuple(name for name in second if name not in first and both_named),
        )

    def _go_on(self, earlier: Comparison) -> None:
        """Counts on from what an earlier run has compared."""
        self._id = earlier.id
        self._seconds, self._frames, self._missed = earlier.seconds, earlier.frames, earlier.missed
        # These were offered to another run.
        self._earlier -= earlier.frames + earlier.missed
        self._classes = {label: list(counts) for label, counts in earlier.classes.items()}

    def __enter__(self) -> Shadow:
        self._thread.start()
        self._tell()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._process.interrupt()
        self._thread.join(2 * _TICK)
        if not self._error:
            # The last one may still have been with the engine, or on its way to a new one.
            self._missed = max(self._missed, self._offered // self._every - self._earlier - self._frames)
            self._tell(last=True)
        self._process.close()

    def prepare(self, frame: Frame, crop: Optional[Crop] = None, judged: Optional[Judged] = None) -> Optional[Prepared]:
        """The second model's inputs for the frame, where it is its turn and the model is free; else None.

        `judged` is what holds for the camera whose frame it is, None for what holds for the run.
        """
        self._offered += 1
        if self._error or self._offered % self._every:
            return None
        if self._waiting is not None:
            self.miss()
            return None
        image = frame.image if crop is None else crop.apply(frame.image)
        return Prepared(self, self._detector.inputs(image, frame.color), crop, image.shape[1], image.shape[0], judged)

    def hand_over(self, item: _Item) -> None:
        """Takes a frame that was prepared; returns at once."""
        with self._changed:
            self._waiting = item
            self._changed.notify_all()

    def miss(self) -> None:
        """Counts a frame that it was to see and does not."""
        with self._changed:
            self._missed += 1
            self._tell()

    def _run(self) -> None:
        failures = 0
        while not self._ended:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._ended)
                item = self._waiting
            if item is None or self._ended:
                return
            try:
                self._compare(*item)
                failures = 0
            except KitError as error:
                failures += 1
                # Lost with its engine. At the end of the run, `__exit__` counts what is missing.
                self.miss()
                if not self._revive(error, failures):
                    return
            except Exception as error:
                # Of any other error nothing is known, so nothing is tried again; but it is told, and the run goes on.
                if not self._has_ended():
                    self._missed += 1
                    self._give_up(error)
                return
            with self._changed:
                self._waiting = None

    def _compare(self, frame: Frame, detections: Tuple[Detection, ...], prepared: Prepared) -> None:
        # A threshold that was set on the page is for both.
        judged = prepared.judged or Judged(self._state.score, self._only)
        score, only = judged.score, judged.only
        self._detector.score = self._own_score if score == self._score else score
        raws = [self._process.invoke(tensor) for tensor in prepared.tensors]
        other = self._detector.combined(raws, prepared.width, prepared.height)[0]
        if self._ended:
            return
        if prepared.crop is not None:
            other = prepared.crop.to_image(other)
        if only:
            other = tuple(item for item in other if item.label in only)
        if self._state.reloads != self._reloads:
            self._begin()
        for label in {item.label for item in (*detections, *other)}:
            found = agreement(
                [item for item in detections if item.label == label], [item for item in other if item.label == label]
            )
            counts = self._classes.setdefault(label, [0, 0, 0])
            for place, number in enumerate((found.both, found.first_only, found.second_only)):
                counts[place] += number
        self._frames += 1
        now = time.monotonic()
        self._seconds += min(now - self._since, _PAUSE)
        self._since = now
        self._tell()
        self._deliver(frame, detections, other)

    def _revive(self, error: KitError, failures: int) -> bool:
        """Starts another engine; False where the run has ended, or the second model is given up."""
        while failures < _ATTEMPTS and not self._ended:
            time.sleep(_TICK)
            try:
                self._process.restart()
                self._process.wait_until_ready()
                return True
            except KitError as again:
                error, failures = again, failures + 1
            except ValueError:
                # What the two processes share is closed at the end of the run.
                if not self._has_ended():
                    raise
        if self._has_ended():
            return False
        self._give_up(error)
        return False

    def _give_up(self, error: Exception) -> None:
        self._error, self._may_pass = error_text(error), not isinstance(error, InputError)
        print(f"{OPTION}: {self._file}: given up: {self._error}", file=sys.stderr)
        self._tell()

    def _has_ended(self) -> bool:
        return self._ended

    def _tell(self, last: bool = False) -> None:
        comparison = Comparison(
            self._id,
            self._file,
            self._sha256,
            self._against,
            self._seconds,
            self._frames,
            self._missed,
            self._error,
            self._may_pass,
            {label: (both, one, two) for label, (both, one, two) in list(self._classes.items())},
            *self._alone,
        )
        with self._changed:
            # Another one may be told of by then.
            if last or not self._ended:
                self._state.compared(comparison)


@dataclass(frozen=True, eq=False)
class Prepared:
    """The inputs of the second model for a frame, or for `crop` of it: `tensors`, made of `width` x `height` pixels."""

    shadow: Shadow
    tensors: List[np.ndarray]
    crop: Optional[Crop]
    width: int
    height: int
    judged: Optional[Judged] = None

    def compare(self, frame: Frame, detections: Tuple[Detection, ...]) -> None:
        """Has the second model's detections compared with those that count; returns at once."""
        self.shadow.hand_over((frame, detections, self))

    def leave_out(self) -> None:
        """In place of `compare`, where the second model is not to see the frame after all: it counts as missed."""
        self.shadow.miss()


_Item = Tuple[Frame, Tuple[Detection, ...], Prepared]


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError("is not on or off")
    return text == "on"
