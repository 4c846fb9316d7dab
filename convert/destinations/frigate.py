"""Frigate: the model, its label map, and the lines of Frigate's configuration.

Label maps are those of `load_labels` in frigate/util/builtin.py of https://github.com/blakeblackshear/frigate, and the
configuration's fields those of frigate/detectors/detector_config.py and config/camera/objects.py there; attributes are told
apart from objects in frigate/video/detect.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from convert.contract import frigate
from convert.contract.rules import metadata_of
from convert.destinations import Files
from convert.export import listed
from runtime.common.errors import InputError
from runtime.common.values import Labels
from runtime.model import labels as model_labels
from runtime.model.tflite import Model

KIND = "int8"

MODEL, LABEL_MAP, CONFIGURATION = "model.tflite", "labelmap.txt", "config.yml"

_PLAIN, _COMPILED = "detector_int8.tflite", "detector_int8_edgetpu.tflite"

_DETECTORS = {
    True: "  coral:\n    type: edgetpu\n    device: usb            # or pci\n",
    False: "  cpu:\n    type: cpu\n    num_threads: 3\n",
}
# Classes that Frigate takes for parts of objects of others (DEFAULT_ATTRIBUTE_LABEL_MAP in frigate/const.py), and never tracks by
# themselves.
_ATTRIBUTES = {
    "person": ("amazon", "face"),
    "car": (
        "amazon", "an_post", "canada_post", "dhl", "dpd", "fedex", "gls", "license_plate", "nzpost", "postnl", "postnord", "purolator",
        "royal_mail", "ups", "usps",
    ),
    "motorcycle": ("license_plate",),
}  # fmt: skip
# What Frigate drops in a single frame may be a little below what an object has to reach over several.
_BELOW = 0.1


def files(export: Path, folder: Path) -> Files:
    """See the package. Raises InputError where the export has no int8 file, or one that Frigate does not read."""
    manifest = listed.manifest_of(export) or {}
    # A compiled file that the manifest doesn't know is one of an earlier export.
    coral = "edge_tpu" in manifest and (export / _COMPILED).is_file()
    path = export / (_COMPILED if coral else _PLAIN)
    # The compiler hides the network in one operation; what is in it is read in the file that was compiled.
    plain = listed.content(export, _PLAIN)
    model = Model.parse(plain, str(export / _PLAIN))
    verdict = frigate.verdict(model)
    if not verdict.works:
        raise InputError(f"{model.where}: Frigate does not read it: {verdict.why}")
    packed = model_labels.inside(model, metadata_of(model))
    if packed is None:
        raise InputError(f"{model.where}: no class names in it; convert it again with --labels")
    labels = packed.labels
    height, width = model.main.tensors[model.main.inputs[0]].shape[1:3]
    contents = {
        MODEL: path.read_bytes() if coral else plain,
        LABEL_MAP: _label_map(labels).encode(),
        CONFIGURATION: _configuration(labels, height, width, coral, _thresholds(manifest, labels)).encode(),
    }
    advice = (
        f"{folder}: {path.name} for Frigate, its label map and its configuration.\n"
        f"Copy {MODEL} and {LABEL_MAP} into the folder that is /config in Frigate's container, and put the lines of\n"
        f"{CONFIGURATION} into Frigate's own config.yml. {verdict.note[0].upper()}{verdict.note[1:]}."
    )
    return Files(contents, advice)


def _label_map(labels: Labels) -> str:
    """A class a line. A first line that begins with a number makes Frigate look for one in every line."""
    numbered = labels[0].split(" ", maxsplit=1)[0].isdigit()
    return "".join(f"{number} {name}\n" if numbered else f"{name}\n" for number, name in enumerate(labels))


def _thresholds(manifest: Mapping[str, Any], labels: Labels) -> Mapping[str, float]:
    """The best score of each class: its own, else that of all. Empty where nothing was measured."""
    found = manifest.get("files", {}).get(_PLAIN, {}).get("threshold")
    if found is None:
        return {}
    return {name: float(found["per_class"].get(name, found)["score"]) for name in labels}


def _configuration(labels: Labels, height: int, width: int, coral: bool, thresholds: Mapping[str, float]) -> str:
    head = (
        f"detectors:\n{_DETECTORS[coral]}\nmodel:\n  path: /config/{MODEL}\n  labelmap_path: /config/{LABEL_MAP}\n"
        f"  width: {width}\n  height: {height}\n"
        "  input_tensor: nhwc\n  input_pixel_format: rgb\n  input_dtype: int\n  model_type: ssd\n"
        f"{_attributes(labels)}\nobjects:\n  track:\n"
    )
    return head + "".join(f"    - {_quoted(name)}\n" for name in labels) + "".join(_filters(thresholds))


def _attributes(labels: Labels) -> str:
    """The line that lets Frigate track classes whose objects, of which they would be parts, the model does not know."""
    known = set(labels)
    parts = {name: [part for part in own if part in known] for name, own in _ATTRIBUTES.items() if name in known}
    of_none = {part for own in _ATTRIBUTES.values() for part in own if part in known}.difference(*parts.values())
    return f"  attributes_map: {json.dumps(parts)}\n" if of_none else ""


def _filters(thresholds: Mapping[str, float]) -> Iterator[str]:
    if thresholds:
        yield "  filters:\n"
    for name, score in thresholds.items():
        threshold = max(score, frigate.LEAST_SCORE)
        least = max(threshold - _BELOW, frigate.LEAST_SCORE)
        yield f"    {_quoted(name)}:\n      min_score: {least:.2f}\n      threshold: {threshold:.2f}\n"


def _quoted(name: str) -> str:
    """A string as YAML takes every one of, `no` and `7` too."""
    return json.dumps(name, ensure_ascii=False)
