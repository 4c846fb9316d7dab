"""Whether a detection .tflite works in each of the programs that people load such files into.

Each consumer is a function from a file to a verdict. How it finds its way is in the docstring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Sequence

from convert.contract import raw_rules
from convert.contract.rules import SIGNATURE_ROLES, label_files, metadata_of
from convert.file import anatomy, kinds
from convert.file.anatomy import ROLES, Postprocess
from convert.file.metadata import BOX_INDEX
from convert.file.metadata import OUTPUT_NAMES as METADATA_NAMES
from runtime.common.errors import InputError
from runtime.inference import decoders
from runtime.model import foreign_outputs, ssd_anchors
from runtime.model.tflite import Model

# The order of the TF2 exporter of the Object Detection API.
TF2_ROLES = ("scores", "boxes", "count", "classes")

_METADATA_ROLES = dict(zip(METADATA_NAMES, ROLES))

_CONVERT_AGAIN = "convert with this kit, or bring the file into order with convert.contract.contract.finish"


@dataclass(frozen=True)
class Verdict:
    """`why` and `fix` are empty where the file works; `note` is what to know although it works."""

    consumer: str
    works: bool
    why: str = ""
    fix: str = ""
    note: str = ""


_MEDIAPIPE = "MediaPipe ObjectDetector"

# What decodes raw outputs by what the file says of them.
RAW_READERS = ("runtime of this kit", "this kit's Kotlin and Swift")


def verdicts(model: Model) -> tuple[Verdict, ...]:
    """One verdict for each consumer of the file contract; of a file without post-processing, also for this kit."""
    if raw_rules.is_twin(model):
        return _of_twin(model)
    found = anatomy.postprocess(model)
    if found is None:
        return _of_foreign(model)
    result = []
    for name, judge in _CONSUMERS.items():
        if set(model.main.outputs) != set(found.outputs):
            why = f"it has {len(model.main.outputs)} outputs, not the four of its {found.name}"
            result.append(Verdict(name, False, why, _CONVERT_AGAIN))
        else:
            why, fix, note = judge(model, found)
            result.append(Verdict(name, not why, why, fix, note))
    return tuple(result)


def decoding_of(model: Model) -> str:
    """What the runtime of this kit takes the outputs of `model` for, which it decodes; empty where it does not."""
    try:
        decoding = decoders.find(model, metadata_of(model))
    except InputError:
        return ""
    return decoding.what if decoding else ""


def _of_foreign(model: Model) -> tuple[Verdict, ...]:
    kind = foreign_outputs.describe([model.main.tensors[index].shape for index in model.main.outputs])
    why = "it has no post-processing: its outputs are not boxes, classes, scores, count"
    if kind:
        why = f"the file is likely {kind}, which it does not read"
    fix = "give it a detector with its post-processing inside"
    result = {name: Verdict(name, False, why, fix) for name in _CONSUMERS}
    if _has_ssd_anchors(model):
        note = "it decodes the two outputs with the anchors in the metadata"
        result[_MEDIAPIPE] = Verdict(_MEDIAPIPE, True, note=note)
    runtime, phones = RAW_READERS
    return (*result.values(), _of_runtime(model, runtime, kind), Verdict(phones, False, why, fix))


def _of_runtime(model: Model, name: str, kind: str) -> Verdict:
    try:
        decoding = decoders.find(model, metadata_of(model))
    except InputError as error:
        return Verdict(name, False, str(error).replace(f"{model.where}: ", ""), "run it with the program that it was made for")
    if decoding is not None:
        return Verdict(name, True, note=f"it decodes {decoding.what}")
    why = f"the file is likely {kind}" if kind else "it has no post-processing, and its outputs are of no kind that it decodes"
    return Verdict(name, False, why, foreign_outputs.advice(kind))


def _has_ssd_anchors(model: Model) -> bool:
    """Whether MediaPipe finds two outputs and how to decode them: the custom metadata that Model Maker writes."""
    metadata = metadata_of(model)
    return len(model.main.outputs) == 2 and metadata is not None and ssd_anchors.ENTRY in metadata.custom


def _of_twin(model: Model) -> tuple[Verdict, ...]:
    why = "its outputs are box codes and class logits, which it does not decode"
    fix = "give it the file with its post-processing inside, which the same export writes beside this one"
    result = [Verdict(name, False, why, fix) for name in _CONSUMERS]
    faults = [str(fault) for fault in raw_rules.violations(model, kinds.of(model, True))]
    fix = "convert again with --raw-head" if faults else ""
    verdicts = [Verdict(name, not faults, "; ".join(faults), fix) for name in RAW_READERS]
    batch = max(model.main.tensors[index].shape[0] for index in model.main.inputs)
    if batch > 1 and not faults:
        runtime, phones = RAW_READERS
        note = f"it takes {batch} images at once: runtime.Detector.detect_all fills them, a loop of one camera only the first"
        why, fix = f"it takes {batch} images at once, and the apps have one", "convert again without --batch"
        verdicts = [Verdict(runtime, True, note=note), Verdict(phones, False, why, fix)]
    return (*result, *verdicts)


_Judgement = tuple[str, str, str]


def _by_metadata(model: Model, found: Postprocess) -> _Judgement:
    """Metadata is a must; outputs by their metadata names, else boxes, classes, scores, count."""
    metadata = metadata_of(model)
    if metadata is None:
        why = '"Object detection models require TFLite Model Metadata but none was found"'
        return why, "write metadata and labels into it with convert.contract.contract.finish", ""
    if _takes_floats(model) and not (metadata.inputs and metadata.inputs[0].mean):
        why = '"Input tensor has type kTfLiteFloat32: it requires specifying NormalizationOptions"'
        return why, "write metadata again with convert.contract.contract.finish", ""
    names = [output.name for output in metadata.outputs]
    named = all(name in names for name in METADATA_NAMES)
    roles = tuple(_METADATA_ROLES.get(name) for name in names) if named else ROLES
    fault = _order_fault(model, roles)
    if fault:
        return fault, _CONVERT_AGAIN, ""
    boxes = metadata.outputs[names.index("location")].boxes if named else None
    if boxes is not None and boxes.index != BOX_INDEX:
        return f"it reads box corners in the order {list(boxes.index)}", _CONVERT_AGAIN, ""
    notes = [] if named else [f"outputs are called {', '.join(names)}, so it goes by their order"]
    if not (label_files(metadata) or any(file.holds_labels for file in metadata.all_files())):
        notes.append("without labels inside it gives class numbers, no names")
    return "", "", "; ".join(notes)


def _mediapipe(model: Model, found: Postprocess) -> _Judgement:
    """As Task Library, but it reads no score threshold in the metadata; what it gives of one box is one detection."""
    why, fix, note = _by_metadata(model, found)
    metadata = metadata_of(model)
    known = [output.score_threshold for output in metadata.outputs] if metadata else []
    least = next((value for value in known if value is not None), None)
    notes = [note] if note else []
    if least is not None:
        notes.append(f"it ignores the score threshold in the metadata: give its options score_threshold={least:g}")
    if not found.custom:
        notes.append("a box that is found as several classes is one detection with several categories")
    return why, fix, "" if why else "; ".join(notes)


def _pycoral(model: Model, found: Postprocess) -> _Judgement:
    """The one signature's output_0..3 = count, scores, classes, boxes; without one, by order."""
    note = "scale images to -1..1 first: it writes bytes" if _takes_floats(model) else ""
    if len(model.signatures) > 1:
        return f"it has {len(model.signatures)} signatures, and only one may be", _CONVERT_AGAIN, ""
    if model.signatures:
        outputs = model.signatures[0].outputs
        names = {index: role for role, index in found.roles.items()}
        got = tuple(names.get(outputs.get(f"output_{i}", -1)) for i in range(len(ROLES)))
        if got != SIGNATURE_ROLES:
            why = f"it takes output_0..3 of the signature for {_list(SIGNATURE_ROLES)}, "
            return why + f"they are {_list(got)}", _CONVERT_AGAIN, ""
        return "", "", note
    roles = anatomy.output_roles(model)
    # It tells the two orders apart by whether the last output is a single number.
    fault = _order_fault(model, ROLES if roles[-1] == "count" else TF2_ROLES)
    return fault, _CONVERT_AGAIN if fault else "", "" if fault else note


def _by_index(model: Model, found: Postprocess) -> _Judgement:
    """Outputs 0, 1, 2, 3 are boxes, classes, scores, count."""
    fault = _order_fault(model, ROLES)
    if not fault:
        return "", "", ""
    order = _list(anatomy.output_roles(model))
    return fault, f"{_CONVERT_AGAIN}; or change the script to read {order}", ""


def _by_name(model: Model, found: Postprocess) -> _Judgement:
    """StatefulPartitionedCall in the first name means scores, boxes, count, classes."""
    first = model.main.tensors[model.main.outputs[0]].name
    fault = _order_fault(model, TF2_ROLES if "StatefulPartitionedCall" in first else ROLES)
    return (f"{fault}, since the first output is named {first}", _CONVERT_AGAIN, "") if fault else (
        "", "", ""
    )


def _by_shape(model: Model, found: Postprocess) -> _Judgement:
    """The 3-D output is the boxes, the 1-D output the count; the two others by their order."""
    roles = anatomy.output_roles(model)
    ranks = {
        role: len(model.main.tensors[index].shape)
        for role, index in zip(roles, model.main.outputs)
    }
    note = ""
    if not any(ranks.values()):
        note = "the file has no shapes: they are known only after allocate_tensors"
    elif ranks != {"boxes": 3, "classes": 2, "scores": 2, "count": 1}:
        return f"dimensions are {ranks}", _CONVERT_AGAIN, ""
    if roles.index("classes") > roles.index("scores"):
        return "classes come after scores, so it takes one for the other", _CONVERT_AGAIN, ""
    return "", "", note


_CONSUMERS: dict[str, Callable[[Model, Postprocess], _Judgement]] = {
    "TFLite Task Library": _by_metadata,
    _MEDIAPIPE: _mediapipe,
    "pycoral get_objects": _pycoral,
    "index-based code": _by_index,
    "name-based scripts": _by_name,
    "shape-based code": _by_shape,
}


def _order_fault(model: Model, wanted: tuple[Optional[str], ...]) -> str:
    got = anatomy.output_roles(model)
    if got == tuple(wanted):
        return ""
    name = " (the TF2 order)" if got == TF2_ROLES else ""
    return f"it takes outputs for {_list(wanted)}, they are {_list(got)}{name}"


def _takes_floats(model: Model) -> bool:
    return any(model.main.tensors[index].type == "float32" for index in model.main.inputs)


def _list(roles: Sequence[Optional[str]]) -> str:
    return ", ".join(str(role or "?") for role in roles)
