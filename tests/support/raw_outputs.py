"""Raw outputs of a detector drawn by a seed, files that give them, and the rules of decoding written out one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from runtime.model.ports import Port

SCALES = (10.0, 10.0, 5.0, 5.0)


@dataclass(frozen=True, eq=False)
class RawOutputs:
    """Box codes [1, A, 4], or [1, A, 4 * bins], and class logits [1, A, C] as stored, their ports, and anchors [A, 4]."""

    codes: npt.NDArray[np.generic]
    logits: npt.NDArray[np.generic]
    ports: tuple[Port, Port]
    anchors: npt.NDArray[np.float32]
    bins: int = 0

    @property
    def scales(self) -> tuple[float, float, float, float]:
        """What codes of four numbers are divided by."""
        return (1.0, 1.0, 1.0, 1.0) if self.bins else SCALES

    @property
    def classes(self) -> int:
        return int(self.logits.shape[2])


def drawn(kind: str, classes: int, seed: int = 0, anchors: int = 300, bins: int = 0) -> RawOutputs:
    """Outputs with some dozens of scores over 0.3, many of them equal where they are int8, and boxes that overlap.

    With `bins`, box codes are distributions.
    """
    random = np.random.default_rng(seed)
    # Few places, so that boxes overlap.
    centres = random.integers(1, 5, (anchors, 2)) / 5
    table = np.concatenate([centres, random.uniform(0.2, 0.5, (anchors, 2))], axis=1).astype(np.float32)
    if bins:
        # Sides of anchors are what distances of 0 to bins - 1 are counted in.
        table[:, 2:] /= bins
    codes = random.normal(0, 2, (1, anchors, 4 * bins or 4))
    logits = random.normal(-3 - math.log(classes), 2, (1, anchors, classes))
    if kind == "float32":
        ports = port("codes", kind), port("logits", kind)
        return RawOutputs(codes.astype(np.float32), logits.astype(np.float32), ports, table, bins)
    ports = port("codes", kind, 0.06, -8), port("logits", kind, 0.07, 32)
    stored = [stored_as(values, given) for values, given in zip((codes, logits), ports)]
    return RawOutputs(stored[0], stored[1], ports, table, bins)


def port(name: str, dtype: str, scale: float = 0.0, zero: int = 0) -> Port:
    return Port(name, 0, (), (), np.dtype(dtype), scale, zero)


def stored_as(values: npt.NDArray[np.float64], given: Port) -> npt.NDArray[np.generic]:
    limits = np.iinfo(given.dtype)
    return np.clip(np.rint(values / given.scale) + given.zero_point, limits.min, limits.max).astype(given.dtype)


def by_the_rules(
    raw: RawOutputs, *, candidates: int, detections: int, score: float, iou: float
) -> list[tuple[float, int, tuple[float, ...]]]:
    """(score, class, (ymin, xmin, ymax, xmax)) of each detection: suppression within each class, nothing clever."""
    pairs = [
        (raw.logits[0, anchor, label], -anchor, -label)
        for anchor in range(len(raw.anchors))
        for label in range(raw.classes)
    ]
    pairs.sort(reverse=True)
    kept: list[tuple[float, int, tuple[float, ...]]] = []
    for logit, anchor, label in pairs[:candidates]:
        value = 1 / (1 + math.exp(-_real(logit, raw.ports[1])))
        if value < score or len(kept) == detections:
            continue
        box = _box(raw, -anchor)
        if all(other[1] != -label or _iou(box, other[2]) <= iou for other in kept):
            kept.append((value, -label, box))
    return kept


def _box(raw: RawOutputs, anchor: int) -> tuple[float, ...]:
    if raw.bins:
        return _box_of_distributions(raw, anchor)
    ty, tx, th, tw = (_real(code, raw.ports[0]) / scale for code, scale in zip(raw.codes[0, anchor], SCALES))
    yc, xc, h, w = map(float, raw.anchors[anchor])
    yc, xc, h, w = ty * h + yc, tx * w + xc, math.exp(th) * h, math.exp(tw) * w
    return yc - h / 2, xc - w / 2, yc + h / 2, xc + w / 2


def _box_of_distributions(raw: RawOutputs, anchor: int) -> tuple[float, ...]:
    distances = []
    for side in range(4):
        stored = raw.codes[0, anchor, side * raw.bins : (side + 1) * raw.bins]
        weights = [math.exp(_real(logit, raw.ports[0])) for logit in stored]
        distances.append(sum(number * weight for number, weight in enumerate(weights)) / sum(weights))
    left, top, right, bottom = distances
    yc, xc, h, w = map(float, raw.anchors[anchor])
    return yc - top * h, xc - left * w, yc + bottom * h, xc + right * w


def _real(stored: np.generic, given: Port) -> float:
    return (int(stored) - given.zero_point) * given.scale if given.scale else float(stored)


def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0) * max(width, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
