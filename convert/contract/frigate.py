"""Whether Frigate's detectors for a processor and for a Coral read a file.

As in frigate/detectors/detector_utils.py and plugins/edgetpu_tfl.py of https://github.com/blakeblackshear/frigate, read
at 0.17.2 and in July 2026: bytes go in, and outputs 0 to 3 are boxes, classes, scores and count.
"""

from __future__ import annotations

from convert.contract import raw_rules
from convert.contract.consumers import Verdict
from convert.file import anatomy
from convert.file.anatomy import ROLES
from runtime.model.tflite import Model

NAME = "Frigate (cpu, edgetpu)"

# What it drops, whatever the configuration, and how many it takes of a region.
LEAST_SCORE, MOST = 0.4, 20

_CONVERT = "python -m convert --for frigate writes such a file"


def verdict(model: Model) -> Verdict:
    """Whether Frigate finds with `model` what is in it; the note says what to know although it does."""
    found = anatomy.postprocess(model)
    if raw_rules.is_twin(model) or found is None or len(model.main.outputs) != len(ROLES):
        return Verdict(NAME, False, "it reads four outputs, boxes, classes, scores and count", _CONVERT)
    roles = anatomy.output_roles(model)
    if roles != ROLES:
        why = f"it takes the outputs for {', '.join(ROLES)}, they are {', '.join(str(role or '?') for role in roles)}"
        return Verdict(NAME, False, why, _CONVERT)
    tensor = model.main.tensors[model.main.inputs[0]]
    if tensor.type not in ("uint8", "int8"):
        return Verdict(NAME, False, f"it feeds bytes, or floats in 0..1, and this file takes {tensor.type} in -1..1", _CONVERT)
    notes = [f"scores below {LEAST_SCORE:g} are dropped, and its threshold is 0.7 unless its configuration says otherwise"]
    if tensor.type == "int8":
        notes.append("on a Coral only: its detector for processors feeds uint8")
    height, width = tensor.shape[1:3]
    if height != width:
        notes.append(f"it cuts squares out of the image, which {width} x {height} distorts")
    return Verdict(NAME, True, note="; ".join(notes))
