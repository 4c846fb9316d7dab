"""A detector whose file ends before the post-processing: what its two outputs mean.

Output 0 are the box codes [N, A, 4], or [N, A, 4 * B] where they are distributions, output 1 the class logits
[N, A, F + C]: N images, mostly 1, A anchors, C classes, F columns of background in front of them (0 or 1). Everything
else that turns them into detections is packed into the .tflite beside the labels, as the zip entry `raw_head.bin`,
uncompressed. It has no padding, every number is little-endian, and there is nothing behind the anchors:

| offset | bytes  | type        | what                                                     |
|--------|--------|-------------|----------------------------------------------------------|
| 0      | 4      | bytes       | `RAWH`                                                   |
| 4      | 4      | uint32      | version of this layout and of the rules: 3               |
| 8      | 4      | uint32      | A, anchors                                               |
| 12     | 4      | uint32      | C, classes                                               |
| 16     | 4      | uint32      | F, the column of class 0                                 |
| 20     | 4      | uint32      | most detections in an image                              |
| 24     | 4      | float32     | least score of a detection                               |
| 28     | 4      | float32     | greatest IoU of two detections of one class              |
| 32     | 16     | float32 [4] | what codes ty, tx, th, tw are divided by                 |
| 48     | 4      | uint32      | K, candidates                                            |
| 52     | 4      | uint32      | B, bins, 2 to 256; 0: box codes are four numbers         |
| 56     | 4      | uint32      | anchors are 0: boxes, 1: points (with bins, and only so) |
| 60     | 4      | uint32      | what makes scores of logits; 0: the sigmoid              |
| 64     | 16 * A | float32     | anchors, each yc, xc, h, w relative to the image         |

How detections come of it, the same as from a file with built-in post-processing inside (all numbers
are float32, and each step is rounded to it):

1. Each pair of an anchor and a class is a candidate. The K with the highest logits are taken, falling;
   of equal ones the lower anchor first, then the lower class. Stored logits are compared as they are.
2. The real value of a quantised output is (stored - zero point) * scale, with the quantisation of the
   output tensor. A score is the sigmoid of the real logit. Candidates below the least score are out.
3. Of four numbers a box is yc = ty / scale * h + yc of the anchor, half = exp(th / scale) * (h / 2), likewise in x;
   then ymin = yc - half, ymax = yc + half, and so on.
   Of distributions (Li et al. 2020, Generalized Focal Loss) there are B logits for each side of the box: left, top,
   right, bottom. They say how far it is from the point, in the point's w (left, right) or h (top, bottom). The weight
   of bin i is exp(logit - the highest of the B logits), computed in float64; the distance is the sum of i * weight,
   divided by the sum of the weights, both added up from bin 0 on. Then yc = (bottom - top) / 2 * h + yc of the point
   and half = (top + bottom) * (h / 2), likewise in x, and ymin, ymax and so on as above. Nothing is divided by scales,
   which are 1.
4. Candidates are taken in their order. One is kept unless its box overlaps one of the same class that
   is kept already by more than the greatest IoU, until there are as many as an image may have. For
   this only, the sides of boxes are cut to -1..2, and ymin and ymax of class c moved by 4 c. Boxes
   without area overlap nothing. IoU is shared / (one + other - shared).

An anchor may so be found once for each class.

Version 2 lacks what is from 52 to 63, and its anchors begin at 52: they are boxes, with box codes of four numbers and
the sigmoid. It is what is written wherever it says enough.

Version 1 lacks K as well, and its anchors begin at 48. Its rules are those of `TFLite_Detection_PostProcess`:
quantised scores are min(round(256 * sigmoid), 255) / 256; an anchor has one class, the first of those
with its highest score; a box goes where it overlaps one that is kept of whatever class.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model

FILE = "raw_head.bin"
MAGIC = b"RAWH"
VERSION = 3

_HEADER = struct.Struct("<4s5I6f")
_CANDIDATES = struct.Struct("<I")
# B, whether anchors are points, and the activation.
_CODES = struct.Struct("<3I")
_BINS = range(2, 257)
_SIGMOID = 0


@dataclass(frozen=True, eq=False)
class RawHead:
    """What `raw_head.bin` holds: `anchors` float32 [A, 4] as yc, xc, h, w; `first` is F.

    `candidates` is K; 0 stands for version 1, with its own rules. `bins` is B; 0 stands for box codes of four numbers.
    """

    anchors: np.ndarray
    classes: int
    first: int
    detections: int
    score: float
    iou: float
    scales: Tuple[float, float, float, float]
    candidates: int = 0
    bins: int = 0

    @property
    def columns(self) -> int:
        """How many numbers a box code has."""
        return 4 * self.bins if self.bins else 4

    @property
    def points(self) -> bool:
        """Whether anchors are points, whose h and w are the unit of distances, not boxes."""
        return self.bins > 0

    @property
    def version(self) -> int:
        """The first version of the layout that has words for it."""
        return 3 if self.bins else 2 if self.candidates else 1

    @classmethod
    def of(cls, model: Model, metadata: Optional[Metadata]) -> Optional[RawHead]:
        """What `model` says of its raw outputs, or None where its metadata names no such file.

        Raises InputError where the file is missing or damaged, or does not fit the outputs.
        """
        if metadata is None or all(file.name != FILE for file in metadata.all_files()):
            return None
        data = model.associated_files().get(FILE)
        if data is None:
            raise InputError(
                f"{model.where}: its metadata names {FILE}, which is not in it; get the whole file again"
            )
        head = cls.parse(data, f"{FILE} in {model.where}")
        head._check_outputs(model)
        return head

    @classmethod
    def parse(cls, data: bytes, where: str = FILE) -> RawHead:
        """Raises InputError where `data` has another layout, or values that make no sense."""
        if len(data) < _HEADER.size or data[:4] != MAGIC:
            raise InputError(f"{where}: damaged: it does not start as the description of a raw head does")
        _, version, count, classes, first, detections, score, iou, *scales = _HEADER.unpack_from(data)
        if not 1 <= version <= VERSION:
            raise InputError(f"{where}: written in version {version} of its layout, this kit reads 1 to {VERSION}")
        parts = [part for since, part in ((2, _CANDIDATES), (3, _CODES)) if version >= since]
        start = _HEADER.size + sum(part.size for part in parts)
        if len(data) != start + 16 * count:
            raise InputError(f"{where}: damaged: {count} anchors do not fit its {len(data)} bytes")
        candidates = _CANDIDATES.unpack_from(data, _HEADER.size)[0] if version > 1 else 0
        bins = _bins(data, where) if version > 2 else 0
        anchors = np.frombuffer(data, "<f4", offset=start).reshape(count, 4).astype(np.float32)
        sound = count and classes and detections and first <= 1 and 0 <= score <= 1 and 0 < iou <= 1
        sound = sound and (version == 1 or candidates > 0)
        if not sound or not all(scale > 0 for scale in scales) or not np.isfinite(anchors).all():
            raise InputError(f"{where}: damaged: its numbers make no sense")
        return cls(anchors, classes, first, detections, score, iou, tuple(scales), candidates, bins)

    def encode(self) -> bytes:
        """The bytes of `raw_head.bin`."""
        numbers = (len(self.anchors), self.classes, self.first, self.detections, self.score, self.iou)
        header = _HEADER.pack(MAGIC, self.version, *numbers, *self.scales)
        header += _CANDIDATES.pack(self.candidates) if self.version > 1 else b""
        header += _CODES.pack(self.bins, int(self.points), _SIGMOID) if self.version > 2 else b""
        return header + np.ascontiguousarray(self.anchors, "<f4").tobytes()

    def _check_outputs(self, model: Model) -> None:
        tensors = [model.main.tensors[index] for index in model.main.outputs]
        count = len(self.anchors)
        images = [model.main.tensors[index].shape[0] for index in model.main.inputs if model.main.tensors[index].shape]
        batch = max(1, *images[:1]) if images else 1
        wanted = [(batch, count, self.columns), (batch, count, self.first + self.classes)]
        if [tensor.shape for tensor in tensors] != wanted:
            listed = ", ".join(map(str, tensors)) or "none"
            raise InputError(
                f"{model.where}: its outputs are {listed}, but {FILE} in it is for box codes {list(wanted[0])} "
                f"and class logits {list(wanted[1])}; convert it again"
            )


def _bins(data: bytes, where: str) -> int:
    bins, points, activation = _CODES.unpack_from(data, _HEADER.size + _CANDIDATES.size)
    if activation != _SIGMOID:
        raise InputError(
            f"{where}: its scores are made by activation {activation}; this kit knows {_SIGMOID}, the sigmoid, only; "
            "read the file with the kit that wrote it"
        )
    if (bins and bins not in _BINS) or points != (bins > 0):
        raise InputError(f"{where}: damaged: its numbers make no sense")
    return int(bins)
