"""Decides which tracks become events, and from when to when their clips last.

A track becomes an event once it has lasted a while. Its clip begins some seconds before it and ends some seconds after the
last track in it; tracks that overlap share the clip, which saves disk and shows what happened together. A clip has a longest
duration, so that a parked car does not record for ever: its event then ends open, and the track makes no further one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Callable, Dict, List, Optional, Protocol, Sequence, Set, Tuple

from runtime.common.values import Detection, Frame
from runtime.events.event import Event
from runtime.events.still import Ring, Still, encode, most_worth, worth

# Objects are out of sight for this long without being gone, as by default of `--track-lost`.
_LOST_SECONDS = 1.0
# A track that has had its event, and was not seen for this long, has been away and makes another one.
_FORGET_SECONDS = 60.0


@dataclass(frozen=True)
class Choices:
    """Seconds of the clip `before` and `after`, the `least` duration of a track, the `longest` of a clip without these.

    Frames are stored at most `fps` times a second, and at most `width` pixels across.
    """

    before: float = 5.0
    after: float = 5.0
    least: float = 1.0
    longest: float = 60.0
    fps: float = 10.0
    width: int = 1280


class Output(Protocol):
    """Takes what a recorder has decided; in the order of the calls, and without making it wait.

    `takes_planes` says whether it makes a clip of `Still.planes` in less time than of JPEG, while one is under way.
    """

    takes_planes: bool

    def begin(self, clip: str, stills: Sequence[Still]) -> None:
        """A clip begins with these frames."""

    def add(self, still: Still) -> None:
        """The next frame of the clip."""

    def finish(self, events: Sequence[Tuple[Event, bytes]]) -> None:
        """The clip is over; these are its events, each with its snapshot as JPEG."""


@dataclass
class _Track:
    start: float
    start_wall: float
    last: float
    name: str
    size: Tuple[int, int]
    by_label: Dict[str, float] = field(default_factory=dict)
    zones: Set[str] = field(default_factory=set)
    best: Optional[Tuple[float, Detection, bytes]] = None


@dataclass
class _Clip:
    name: str
    start: float
    tracks: Dict[int, _Track] = field(default_factory=dict)


class Recorder:
    """Takes every frame in order, from one thread at a time. Times are those of the frames, which nobody sets."""

    def __init__(
        self,
        choices: Choices,
        output: Output,
        source: str = "",
        begun: Callable[[Event], None] = lambda event: None,
        wall: Optional[Callable[[], float]] = None,
        pause: Optional[Callable[[], float]] = None,
    ) -> None:
        """`begun` is told of each event as it begins, with its `end` so far. `wall` names files where frames have no date.

        `pause` gives the seconds between two kept frames; without it they follow from `choices`.
        """
        self._choices = choices
        self._output = output
        self._source = source
        self._begun = begun
        self._wall = wall
        self._pause = pause or (lambda: 1 / choices.fps)
        self._linger = max(choices.after, _LOST_SECONDS)
        self._ring = Ring(choices.before + choices.least + 1.0)
        self._tracks: Dict[int, _Track] = {}
        # Tracks that have had their event, with the time when they were last seen.
        self._over: Dict[int, float] = {}
        self._clip: Optional[_Clip] = None
        self._due = float("-inf")
        self._now = float("-inf")

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Takes the next frame with its tracked objects; those without a track are ignored."""
        now = frame.steady_time
        if now < self._now:
            # A video starts again: nothing continues.
            self.end()
            self._due = float("-inf")
        self._now = now
        still = self._stored(frame, detections)
        for detection in detections:
            self._see(frame, detection, still)
        if still is not None:
            self._ring.add(still)
            if self._clip is not None:
                self._output.add(still)
        self._begin_events()
        self._finish_if_over()
        self._forget()

    def end(self) -> None:
        """Finishes the clip that is under way."""
        if self._clip is not None:
            self._finish(self._clip)
        self._tracks.clear()
        self._over.clear()
        self._ring.clear()

    def _stored(self, frame: Frame, detections: Sequence[Detection]) -> Optional[Still]:
        """The frame encoded, if its turn has come, or if it is the first of a track, which needs a snapshot."""
        now = frame.steady_time
        new = any(
            found.track is not None and found.track not in self._tracks and found.track not in self._over
            for found in detections
        )
        if now < self._due and not new:
            return None
        pause = self._pause()
        # The mean rate is kept: a frame that comes late does not shift those after it.
        self._due = self._due + pause if now - self._due < pause else now + pause
        return encode(frame, self._choices.width, self._clip is not None and self._output.takes_planes)

    def _see(self, frame: Frame, detection: Detection, still: Optional[Still]) -> None:
        number = detection.track
        if number is None:
            return
        if number in self._over and self._now - self._over[number] < _FORGET_SECONDS:
            self._over[number] = self._now
            return
        size = (frame.image.shape[1], frame.image.shape[0])
        track = self._tracks.get(number)
        if track is None:
            wall = self._wall() if self._wall is not None else frame.time
            track = self._tracks[number] = _Track(self._now, frame.time, self._now, f"{stamp(wall)}_{number}", size)
        track.last = self._now
        track.by_label[detection.label] = track.by_label.get(detection.label, 0.0) + detection.score
        track.zones.update(_zones(frame, number))
        least = track.best[0] if track.best is not None else -1.0
        if still is not None and most_worth(detection.score, detection.box, size) > least:
            value = worth(frame.image, detection.score, detection.box)
            if value > least:
                track.best = (value, detection, still.jpeg)
                track.size = size

    def _begin_events(self) -> None:
        for number, track in self._tracks.items():
            clip = self._clip
            if track.last - track.start < self._choices.least or (clip is not None and number in clip.tracks):
                continue
            if clip is None:
                stills = self._ring.since(track.start - self._choices.before)
                name = track.name.rpartition("_")[0]
                clip = self._clip = _Clip(f"{name}_{number}c", stills[0].time if stills else self._now)
                self._output.begin(clip.name, stills)
            clip.tracks[number] = track
            # The names of the files are not certain yet.
            self._begun(replace(self._event(number, track, clip), clip="", offset=0.0))

    def _finish_if_over(self) -> None:
        clip = self._clip
        if clip is None:
            return
        lasts = any(self._now - track.last < self._linger for track in clip.tracks.values())
        full = self._now - clip.start >= self._choices.before + self._choices.longest + self._choices.after
        if not lasts or full:
            self._finish(clip)

    def _finish(self, clip: _Clip) -> None:
        made: List[Tuple[Event, bytes]] = []
        for number, track in clip.tracks.items():
            self._tracks.pop(number, None)
            self._over[number] = track.last
            made.append((self._event(number, track, clip), track.best[2] if track.best else b""))
        self._clip = None
        self._output.finish(made)

    def _event(self, number: int, track: _Track, clip: _Clip) -> Event:
        seconds = track.last - track.start
        score, box = 0.0, (0.0, 0.0, 0.0, 0.0)
        if track.best is not None:
            found = track.best[1]
            score, box = round(found.score, 4), _rounded(found.box.as_tuple())
        return Event(
            id=track.name,
            source=self._source,
            label=max(track.by_label, key=lambda label: track.by_label[label]),
            track=number,
            start=round(track.start_wall, 3),
            end=round(track.start_wall + seconds, 3),
            seconds=round(seconds, 3),
            open=self._now - track.last < _LOST_SECONDS,
            score=score,
            box=box,
            size=track.size,
            zones=tuple(sorted(track.zones)),
            clip=clip.name,
            offset=round(max(0.0, track.start - clip.start), 3),
        )

    def _forget(self) -> None:
        if self._clip is None or len(self._tracks) > len(self._clip.tracks):
            held = self._clip.tracks if self._clip is not None else {}
            gone = [
                number
                for number, track in self._tracks.items()
                if number not in held and self._now - track.last > self._linger
            ]
            for number in gone:
                del self._tracks[number]
        if len(self._over) > 100:
            self._over = {number: last for number, last in self._over.items() if self._now - last < _FORGET_SECONDS}


def stamp(seconds: float) -> str:
    """The name of a moment, `seconds` since 1970, in files: 20261130T053012.123Z."""
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, timezone.utc)
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03d}Z"


def _zones(frame: Frame, number: int) -> List[str]:
    """The zones that the track is in, or leaves in this frame, where the run counts at zones."""
    if frame.areas is None:
        return []
    left = [crossing.name for crossing in frame.areas.crossings if crossing.kind == "zone" and crossing.track == number]
    # Not by crossings alone: the frame in which it entered may have been dropped, or have been before the track began here.
    return [*left, *(name for name, tracks in frame.areas.tracks.items() if number in tracks)]


def _rounded(box: Tuple[float, float, float, float]) -> Tuple[float, float, float, float]:
    return (round(box[0], 2), round(box[1], 2), round(box[2], 2), round(box[3], 2))
