"""Keeps collected images in a folder, within a budget of frames an hour, megabytes and free disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from runtime.collect import annotation
from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.common.files import disk_has_room, write_durably
from runtime.common.opencv import cv2

IMAGES, ANNOTATIONS = "images", "annotations"

PER_HOUR = 60
MEGABYTES = 500

_HOUR = 3600.0
# Seconds in which one frame is enough: the next ones show the same, and only replace it where they are worth more.
_BURST = 2.0
# As photographs for training are saved.
_QUALITY = 95


@dataclass(frozen=True)
class Budget:
    """Most frames within an hour, and most megabytes in all."""

    per_hour: int = PER_HOUR
    megabytes: float = MEGABYTES


@dataclass(frozen=True)
class _Kept:
    stem: str
    worth: float
    unbiased: bool
    size: int
    # Seconds since 1970.
    time: float


class Store:
    """A folder with `images/NAME.jpg` and `annotations/NAME.xml`. Used by one thread of one process.

    An image counts once its annotation is there, which comes last; what a power cut leaves without one is removed at the
    next start. Where the budget is used up, the least worthy goes first; of images that were picked without bias, the
    place of the newest is drawn, so that those that stay are a fair sample of the whole time.
    """

    def __init__(self, folder: Path, budget: Budget = Budget(), seed: Optional[int] = None) -> None:
        """Reads what `folder` has already. Raises OSError where it cannot be read."""
        self._folder = folder
        self._budget = budget
        self._random = np.random.default_rng(seed)
        self._kept: Dict[str, _Kept] = {}
        self._bytes = 0
        # Times and names of what was written within the last hour.
        self._hour: List[Tuple[float, str]] = []
        self._unbiased_seen = 0
        self.removed = 0
        self._scan()

    @property
    def images(self) -> int:
        """The number of images in the folder."""
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

    def wants(self, worth: float, unbiased: bool, now: float) -> bool:
        """Whether a frame of this worth would be kept, as far as the hour goes. Costs next to nothing.

        `now` is the time of the frame in seconds, `Moment.time`.
        """
        self._forget_hour(now)
        if unbiased:
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
        if not self.wants(origin.worth, unbiased, now):
            return False
        image = moment.frame.image if moment.frame.color == "BGR" else cv2.cvtColor(moment.frame.image, cv2.COLOR_RGB2BGR)
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        stem = self._free_stem(stem)
        xml = annotation.text(f"{stem}.jpg", moment, origin)
        size = len(encoded) + len(xml)
        if not self._make_room(size, origin.worth, unbiased):
            return False
        for name in () if unbiased else self._burst(now):
            self._remove(name)
        while len(self._hour) >= self._budget.per_hour:
            self._remove(self._least_worthy([name for _, name in self._hour]))
        write_durably(self._folder / IMAGES / f"{stem}.jpg", encoded)
        write_durably(self._folder / ANNOTATIONS / f"{stem}.xml", xml)
        self._kept[stem] = _Kept(stem, origin.worth, unbiased, size, origin.time)
        self._bytes += size
        self._hour.append((now, stem))
        return True

    def _make_room(self, size: int, worth: float, unbiased: bool) -> bool:
        while self._bytes + size > 1_000_000 * self._budget.megabytes or not disk_has_room(self._folder, size):
            candidates = [name for name, kept in self._kept.items() if kept.unbiased == unbiased] or list(self._kept)
            if not candidates:
                return False
            if not unbiased:
                name = self._least_worthy(candidates)
                if self._kept[name].worth >= worth:
                    return False
            else:
                # Reservoir sampling (Vitter 1985): every frame that was picked stays with the same probability.
                self._unbiased_seen = max(self._unbiased_seen, len(candidates)) + 1
                place = int(self._random.integers(self._unbiased_seen))
                if place >= len(candidates):
                    return False
                name = candidates[place]
            self._remove(name)
        return True

    def _least_worthy(self, names: List[str]) -> str:
        # Of equal ones the oldest.
        return min(names, key=lambda name: (self._kept[name].unbiased, self._kept[name].worth))

    def _least(self, names: List[str]) -> float:
        kept = self._kept[self._least_worthy(names)]
        return 1.0 if kept.unbiased else kept.worth

    def _remove(self, name: str) -> None:
        kept = self._kept.pop(name)
        self._bytes -= kept.size
        self._hour = [item for item in self._hour if item[1] != name]
        xml = self._folder / ANNOTATIONS / f"{name}.xml"
        if xml.exists() and annotation.read(xml) is None:
            # A person has labelled it since it was written.
            return
        # The annotation first: without it, the image counts as never written.
        for path in (xml, self._folder / IMAGES / f"{name}.jpg"):
            path.unlink(missing_ok=True)
        self.removed += 1

    def _forget_hour(self, now: float) -> None:
        # Times go back where a video starts again, and a little where a moment was picked later.
        if any(abs(now - at) >= _HOUR for at, _ in self._hour):
            self._hour = [item for item in self._hour if abs(now - item[0]) < _HOUR]

    def _burst(self, now: float) -> List[str]:
        """What was picked with bias within the last moments."""
        return [name for at, name in self._hour if abs(now - at) < _BURST and not self._kept[name].unbiased]

    def _free_stem(self, stem: str) -> str:
        number, made = 1, stem
        while made in self._kept or (self._folder / IMAGES / f"{made}.jpg").exists():
            number += 1
            made = f"{stem}_{number}"
        return made

    def _scan(self) -> None:
        for folder, suffix, other, other_suffix in (
            (self._folder / IMAGES, ".jpg", ANNOTATIONS, ".xml"),
            (self._folder / ANNOTATIONS, ".xml", IMAGES, ".jpg"),
        ):
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                cut = path.name.startswith(".") and path.suffix == suffix
                if cut or (path.suffix == suffix and not (self._folder / other / f"{path.stem}{other_suffix}").exists()):
                    path.unlink(missing_ok=True)
        for path in sorted((self._folder / ANNOTATIONS).glob("*.xml")):
            origin = annotation.read(path)
            if origin is None:
                # Labelled by hand in the meantime, or somebody else's: it counts, and is never removed.
                continue
            size = path.stat().st_size + (self._folder / IMAGES / f"{path.stem}.jpg").stat().st_size
            self._kept[path.stem] = _Kept(path.stem, origin.worth, "every" in origin.chosen, size, origin.time)
            self._bytes += size

