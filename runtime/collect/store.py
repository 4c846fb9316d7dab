"""Keeps collected images in a folder, within a budget of frames an hour, megabytes and free disk."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Deque, Dict, List, Optional, Sequence, Tuple

import numpy as np

from runtime.collect import annotation
from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.collect.pairs import Pairs
from runtime.common.files import disk_has_room
from runtime.common.opencv import cv2

PER_HOUR = 60
MEGABYTES = 500

_HOUR = 3600.0
# Seconds in which one frame is enough: the next ones show the same, and only replace it where they are worth more.
_BURST = 2.0
# As photographs for training are saved.
_QUALITY = 95

# Choices whose images do not compete by their worth.
_ASKED, _SAMPLE = "asked", "every"


@dataclass(frozen=True)
class Budget:
    """Most frames within an hour, and most megabytes in all."""

    per_hour: int = PER_HOUR
    megabytes: float = MEGABYTES


@dataclass(frozen=True)
class _Kept:
    worth: float
    # A person's wish, or else a part of the fair sample.
    asked: bool
    sampled: bool
    size: int
    # Seconds since 1970.
    time: float

    @property
    def rank(self) -> float:
        """What a picked image must be worth more than to take this one's place."""
        return 1.0 if self.asked or self.sampled else self.worth


class Store:
    """A folder with `images/NAME.jpg` and `annotations/NAME.xml`; see `Pairs`. Used by one thread of one process.

    Where the budget is used up, the least worthy image goes first. Of those that were picked without bias, a random one
    goes, and perhaps the newest, so that those that stay are a fair sample of the whole time. What somebody asked for
    always comes, and stays for as long as anything else can go. Nothing goes where that would not make room.
    """

    def __init__(self, folder: Path, budget: Budget = Budget(), seed: Optional[int] = None) -> None:
        """Reads what `folder` has already. Raises OSError where it cannot be read."""
        self._folder = folder
        self._budget = budget
        self._random = np.random.default_rng(seed)
        self._pairs = Pairs(folder)
        self._kept: Dict[str, _Kept] = {}
        self._bytes = 0
        # Times and names of what was written within the last hour.
        self._hour: List[Tuple[float, str]] = []
        # Times of what was picked without bias within the last hour, kept or not.
        self._sampled: Deque[float] = deque()
        # How many of them the hours took in all, also in earlier runs.
        self._sampled_in_all = 0
        self.removed = 0
        for name, origin, size in self._pairs.own():
            self._hold(name, _kept(origin, _SAMPLE in origin.chosen, size))
            self._sampled_in_all = max(self._sampled_in_all, origin.number)

    @property
    def images(self) -> int:
        """The number of images that count, which are those that no person has labelled."""
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """The bytes of these images and their annotations."""
        return self._bytes

    def resume(self, time: float, now: float) -> None:
        """Counts what earlier runs have written within the last hour, so that one that starts again has no new hour.

        `time` is the present time in seconds since 1970, and `now` the same moment as `Moment.time` gives it.
        """
        for name, kept in self._kept.items():
            # Ahead of the present where the clock was set back.
            if abs(time - kept.time) < _HOUR:
                self._hour.append((now - (time - kept.time), name))

    def wants(self, worth: float, unbiased: bool, now: float, asked: bool = False) -> bool:
        """Whether a frame of this worth would be kept, as far as the hour goes. Costs next to nothing.

        `now` is the time of the frame in seconds, `Moment.time`.
        """
        self._forget_hour(now)
        if unbiased or asked:
            return True
        burst = self._burst(now)
        if burst:
            return self._least(burst) < worth
        return len(self._hour) < self._budget.per_hour or self._least([name for _, name in self._hour]) < worth

    def add(self, stem: str, moment: Moment, origin: Origin, unbiased: bool) -> bool:
        """Writes an image and its annotation; makes room first. False where it is worth less than what is there.

        Raises OSError where the disk does not take it.
        """
        now = moment.time
        if not self.wants(origin.worth, unbiased, now, _ASKED in origin.chosen):
            return False
        if unbiased:
            self._sampled.append(now)
        image = moment.frame.image if moment.frame.color == "BGR" else cv2.cvtColor(moment.frame.image, cv2.COLOR_RGB2BGR)
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        name = self._pairs.free_name(stem)
        if unbiased:
            origin = replace(origin, number=self._sampled_in_all + 1)
        xml = annotation.text(f"{name}.jpg", moment, origin)
        new = _kept(origin, unbiased, len(encoded) + len(xml))
        leaving = self._leaving(new, now)
        if leaving is None:
            return False
        for other in leaving:
            self._remove(other)
        if leaving and not self._has_room(new.size):
            # Something went that a person has labelled since, which stays on the disk; or the disk gives nothing back.
            return False
        self._pairs.write(name, encoded, xml)
        self._hold(name, new)
        self._hour.append((now, name))
        return True

    def _leaving(self, new: _Kept, now: float) -> Optional[List[str]]:
        """What goes for a new image; None where it is the new one that does not come."""
        leaving = [] if new.sampled else [name for name in self._burst(now) if not self._kept[name].asked]
        if not new.asked and any(self._kept[name].rank >= new.worth for name in leaving):
            # One that was picked afterwards, of a moment between two that are kept: it must be worth more than both.
            return None
        hour = [name for _, name in self._hour if name not in leaving]
        over = len(hour) + 1 - self._budget.per_hour
        if over > 0:
            going = self._going_of_hour(hour, new)[:over]
            if len(going) < over:
                return None
            leaving += going
        self._sampled_in_all += new.sampled
        size = new.size - sum(self._kept[name].size for name in leaving)
        if not self._has_room(size):
            gone = set(leaving)
            for name in self._going_of_all([name for name in self._kept if name not in gone], new):
                leaving.append(name)
                size -= self._kept[name].size
                if self._has_room(size):
                    return leaving
            return None
        return leaving

    def _has_room(self, size: int) -> bool:
        return self._bytes + size <= 1_000_000 * self._budget.megabytes and disk_has_room(self._folder, size)

    def _going_of_hour(self, names: Sequence[str], new: _Kept) -> List[str]:
        """What may go for a new image, first the one that goes first."""
        picked, asked, sample = self._parts(names)
        if new.asked:
            return picked + sample + asked
        if not new.sampled:
            return [name for name in picked if self._kept[name].worth < new.worth]
        return picked or (sample if self._is_drawn(len(sample), len(self._sampled)) else [])

    def _going_of_all(self, names: Sequence[str], new: _Kept) -> List[str]:
        if not new.sampled:
            return self._going_of_hour(names, new)
        picked, _, sample = self._parts(names)
        if not sample:
            return picked
        return sample + picked if self._is_drawn(len(sample), self._sampled_in_all) else []

    def _is_drawn(self, places: int, number: int) -> bool:
        """Whether the newest of `number` gets one of `places`: reservoir sampling (Vitter 1985), where all have the same chance."""
        return int(self._random.integers(max(number, places + 1))) < places

    def _parts(self, names: Sequence[str]) -> Tuple[List[str], List[str], List[str]]:
        """Picked images by rising worth, of equal ones the oldest first; asked ones, the oldest first; the sample, shuffled."""
        kept = self._kept
        picked = [name for name in names if not kept[name].asked and not kept[name].sampled]
        sample = [name for name in names if kept[name].sampled]
        self._random.shuffle(sample)
        return sorted(picked, key=lambda name: kept[name].worth), [name for name in names if kept[name].asked], sample

    def _least(self, names: Sequence[str]) -> float:
        return min((self._kept[name].rank for name in names), default=1.0)

    def _hold(self, name: str, kept: _Kept) -> None:
        self._kept[name] = kept
        self._bytes += kept.size

    def _remove(self, name: str) -> None:
        # False where a person has labelled it since it was written: from then on it is no longer counted.
        self.removed += self._pairs.remove(name)
        self._bytes -= self._kept.pop(name).size
        self._hour = [item for item in self._hour if item[1] != name]

    def _forget_hour(self, now: float) -> None:
        # Times go back where a video starts again, and a little where a moment was picked later.
        if any(abs(now - at) >= _HOUR for at, _ in self._hour):
            self._hour = [item for item in self._hour if abs(now - item[0]) < _HOUR]
        while self._sampled and abs(now - self._sampled[0]) >= _HOUR:
            self._sampled.popleft()

    def _burst(self, now: float) -> List[str]:
        """What was picked with bias within the last moments."""
        return [name for at, name in self._hour if abs(now - at) < _BURST and not self._kept[name].sampled]


def _kept(origin: Origin, unbiased: bool, size: int) -> _Kept:
    asked = _ASKED in origin.chosen
    return _Kept(origin.worth, asked, unbiased and not asked, size, origin.time)
