"""Raw outputs drawn by a seed and what Python decodes of them, for the decoders in Kotlin and Swift.

`decodings.json` has one entry for each type, number of classes and version of the raw head.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from runtime.inference.decoders.raw_head import decoder
from runtime.model.raw_head import RawHead
from tests.support import raw_outputs

SCORE = 0.02


def write(folder: Path) -> None:
    """Writes `decodings.json` to `folder`."""
    kinds = [(kind, classes) for kind in ("int8", "uint8", "float32") for classes in (3, 90)]
    cases = [_case(kind, classes, candidates) for kind, classes in kinds for candidates in (0, 50, 1000)]
    cases += [_case(kind, classes, 1000, bins=8) for kind, classes in kinds]
    (folder / "decodings.json").write_text(json.dumps(cases), encoding="utf-8")


def _case(kind: str, classes: int, candidates: int, bins: int = 0) -> dict[str, Any]:
    """`candidates` of 0 stand for version 1, and `bins` for version 3. `head` are the bytes of raw_head.bin.

    `found` has class, score, ymin, xmin, ymax, xmax relative to the image, of each object.
    """
    drawn = raw_outputs.drawn(kind, classes, bins=bins)
    # A column of background that no class may be taken from.
    logits = np.concatenate([drawn.logits.max(axis=2, keepdims=True), drawn.logits], axis=2)
    head = RawHead(drawn.anchors, classes, 1, 60, SCORE, 0.5, drawn.scales, candidates, bins)
    boxes, ids, scores = decoder(head, drawn.ports)([drawn.codes, logits], SCORE)
    assert len(boxes) > 5
    return {
        "name": f"{kind}, {classes} classes, {candidates} candidates, {bins} bins",
        "type": kind,
        "head": list(head.encode()),
        "codes": drawn.codes.ravel().tolist(),
        "logits": logits.ravel().tolist(),
        "scales": [port.scale for port in drawn.ports],
        "zero_points": [port.zero_point for port in drawn.ports],
        "found": [[int(one), float(score), *map(float, box)] for one, score, box in zip(ids, scores, boxes)],
    }
