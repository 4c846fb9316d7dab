"""Collects frames that are worth labelling: `--collect DIR`."""

from __future__ import annotations

import argparse
import hashlib
import threading
import time
from collections import deque
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Deque, Dict, FrozenSet, List, Optional, Sequence, Tuple

from runtime.collect import choices
from runtime.collect.annotation import Origin
from runtime.collect.choices import Choice
from runtime.collect.fingerprint import fingerprint
from runtime.collect.moment import Moment
from runtime.collect.recent import Recent
from runtime.collect.store import MEGABYTES, PER_HOUR, Budget, Store
from runtime.common import redaction, settings
from runtime.common.errors import InputError
from runtime.common.options import positive
from runtime.common.values import Detection, Frame
from runtime.sinks import Sink, writing
from runtime.sources import Source
from runtime.telemetry.state import State

KIND = "frames worth labelling (collect:DIR)"

PREFIX = "collect:"
OPTION = "--collect"

# A scene that was known is so for the next moments: what the same choices pick in them is refused without a look at the image,
# whose hash takes a millisecond.
_KNOWN_SECONDS = 0.2
# Candidates below this score are more noise than doubt, whatever the threshold.
_LEAST_SCORE = 0.05


def options(parser: Any) -> None:
    """Adds `--collect`."""
    parser.add_argument(
        OPTION,
        metavar="DIR",
        help="keep frames that are worth labelling in DIR, with what was found in them. What chooses them follows after "
        f"commas, all by default ({choices.settings_help()}; each also on or off); and the budget "
        f"(per-hour={PER_HOUR}, megabytes={MEGABYTES})",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    """The sink that `--collect` asks for, if it was given."""
    return [f"{PREFIX}{arguments.collect}"] if arguments.collect else []


def accepts(spec: str) -> bool:
    """Whether `spec` names collected frames."""
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    """Makes the sink. Raises InputError for wrong settings or a wrong folder."""
    readers = {**choices.readers(), "per-hour": positive, "megabytes": positive}
    name, found = settings.parse(spec[len(PREFIX) :], readers, OPTION)
    folder = Path(name)
    if not name or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{OPTION}: {name or 'nothing'} is no folder; give the name of one, which need not exist yet")
    if source.path is not None and folder.resolve() == source.path.resolve():
        raise InputError(f"{OPTION}: {name}: holds the source, whose images would mix with those that are kept")
    budget = Budget(found.pop("per-hour", PER_HOUR), found.pop("megabytes", MEGABYTES))
    return Collect(folder, source, choices.open_choices(found), budget)


class Collect(Sink):
    """Keeps the frames that its choices pick, within a budget; see `runtime.collect.store.Store`."""

    # A frame that cannot be kept must not end a run, nor slow it.
    lossless = False

    def __init__(self, folder: Path, source: Source, chosen: Tuple[Choice, ...], budget: Budget) -> None:
        self._folder = folder
        self._source = source
        self._choices = chosen
        self._budget = budget
        self._store: Optional[Store] = None
        self._state: Optional[State] = None
        self._model: Tuple[str, str] = ("", "")
        self._recent = Recent()
        self._compared: Deque[Moment] = deque(maxlen=4)
        self._counts: Dict[str, int] = {"kept": 0, "refused": 0}
        self._is_resumed = False
        # When a scene was found to be known, and what had picked it.
        self._known: Tuple[float, FrozenSet[str]] = (float("-inf"), frozenset())
        # A run that ends does not wait for a disk that hangs, and so closes this while a frame is still written.
        self._busy = threading.Lock()

    @property
    def floor(self) -> Optional[float]:  # type: ignore[override]
        """Down to where its choices want to see candidates."""
        below = max((choice.below for choice in self._choices), default=0.0)
        lowest = min(self._state.score, *self._state.scores.values(), 1.0) if self._state else 0.5
        return max(_LEAST_SCORE, lowest - below) if below else None

    def attach(self, state: State) -> None:
        """See `Sink.attach`."""
        self._state = state
        with writing(self._folder):
            self._store = Store(self._folder, self._budget)
        # Absolute, since the page reads it from another thread for as long as the run goes on.
        state.collect_folder = self._folder.absolute()
        self._tell()

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """See `Sink.write`."""
        self.write_all(frame, detections, ())

    def write_all(self, frame: Frame, detections: Sequence[Detection], candidates: Sequence[Detection]) -> None:
        """Keeps the frame, or one before it, if a choice picks it. Raises KitError if it cannot be written."""
        state = self._state
        assert state is not None
        self.consider(
            Moment(
                frame, tuple(detections), tuple(candidates), state.score, state.take_image_request(), scores=state.scores
            )
        )  # fmt: skip

    def compare(self, frame: Frame, detections: Sequence[Detection], other: Sequence[Detection]) -> None:
        """Takes a frame in which two models differ, perhaps; it is considered with the next one."""
        score, scores = (self._state.score, self._state.scores) if self._state is not None else (0.5, {})
        self._compared.append(Moment(frame, tuple(detections), score=score, other=tuple(other), scores=scores))

    def close(self) -> None:
        """Considers what was compared last, unless a frame is still being written."""
        if self._store is not None and self._busy.acquire(blocking=False):
            try:
                self._consider_compared()
            finally:
                self._busy.release()

    def _consider_compared(self) -> None:
        # Other choices have seen these moments already.
        while self._compared:
            moment = self._compared.popleft()
            for choice in self._choices:
                for pick in choice.picks(moment) if choice.compares else ():
                    self._keep(pick.moment, {choice.name: pick.worth}, choice.unbiased, wanted=False)

    def consider(self, moment: Moment) -> None:
        """As `write_all`, for a moment that is known whole."""
        with self._busy:
            self._consider(moment)

    def _consider(self, moment: Moment) -> None:
        if self._source.live and not self._is_resumed and self._store is not None:
            # A service that starts again and again must not have an hour's budget each time.
            self._is_resumed = True
            self._store.resume(moment.frame.time, moment.time)
        self._consider_compared()
        picked: Dict[int, Tuple[Moment, Dict[str, float], bool]] = {}
        for choice in self._choices:
            for pick in choice.picks(moment):
                _, worths, unbiased = picked.setdefault(id(pick.moment), (pick.moment, {}, choice.unbiased))
                worths[choice.name] = pick.worth
                picked[id(pick.moment)] = (pick.moment, worths, unbiased or choice.unbiased)
        for chosen, worths, unbiased in picked.values():
            self._keep(chosen, worths, unbiased, wanted=unbiased or chosen.asked)

    def _keep(self, moment: Moment, worths: Dict[str, float], unbiased: bool, wanted: bool) -> None:
        store = self._store
        assert store is not None
        # What several choices pick is worth more than what one does.
        worth = min(1.0, max(worths.values()) + 0.05 * (len(worths) - 1))
        kept = False
        wants = store.wants(worth, unbiased, moment.time, "asked" in worths)
        mark = self._new(moment, worths, wanted) if wants else None
        if mark is not None:
            origin = Origin(
                redaction.address(self._source.name),
                self._model_hash(),
                moment.frame.time if self._source.live else time.time(),
                tuple(sorted(worths)),
                worth,
                mark,
            )
            with writing(self._folder):
                kept = store.add(self._stem(moment.frame), moment, origin, unbiased)
            if kept:
                self._recent.add(mark, moment)
        self._counts["kept" if kept else "refused"] += 1
        self._tell()

    def _new(self, moment: Moment, worths: Dict[str, float], wanted: bool) -> Optional[int]:
        """The hash of the image; None where such a scene was kept already, and the frame is not `wanted` all the same."""
        at, chosen = self._known
        if not wanted and 0 <= moment.time - at < _KNOWN_SECONDS and worths.keys() <= chosen:
            return None
        mark = fingerprint(moment.frame.image)
        if wanted or not self._recent.has(mark, moment):
            return mark
        self._known = (moment.time, frozenset(worths))
        return None

    def _tell(self) -> None:
        if self._state is not None and self._store is not None:
            store = self._store
            self._state.collected(
                **self._counts, removed=store.removed, images=store.images, megabytes=round(store.bytes / 1e6, 1)
            )

    def _model_hash(self) -> str:
        assert self._state is not None
        path = self._state.path
        if self._model[0] != path:
            try:
                self._model = (path, hashlib.sha256(Path(path).read_bytes()).hexdigest())
            except OSError:
                self._model = (path, "")
        return self._model[1]

    def _stem(self, frame: Frame) -> str:
        if self._source.live:
            stamp = datetime.fromtimestamp(frame.time, timezone.utc)
            return f"{stamp:%Y%m%dT%H%M%S}.{stamp.microsecond // 1000:03d}Z"
        return Path(self._source.name_of(frame)).stem
