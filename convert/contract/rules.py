"""The lines of the file contract, each as a check with a plain message."""

from __future__ import annotations

import io
import zipfile
from typing import Iterator, Optional, Sequence

from convert.contract import kind_rules
from convert.contract.violation import Violation
from convert.file import anatomy
from convert.file.anatomy import OPERATION, Postprocess
from convert.file.kinds import Kind
from convert.file.metadata import BOX_INDEX
from convert.file.metadata import OUTPUT_NAMES as METADATA_NAMES
from runtime.common.errors import InputError
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model, Tensor
from train.geometry.normalization import Normalization

OUTPUT_NAMES = tuple(OPERATION + suffix for suffix in ("", ":1", ":2", ":3"))

# What pycoral takes output_0, output_1, output_2 and output_3 of a signature to be.
SIGNATURE_ROLES = ("count", "scores", "classes", "boxes")

def output_shapes(detections: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of boxes, classes, scores, count."""
    return ((1, detections, 4), (1, detections), (1, detections), (1,))


def signature_outputs(found: Postprocess) -> dict[str, int]:
    """output_0 to output_3 -> tensor index."""
    return {f"output_{i}": found.roles[role] for i, role in enumerate(SIGNATURE_ROLES)}


def violations(model: Model, kind: Kind) -> tuple[Violation, ...]:
    """Every broken line of what the contract says of a file of this `kind` with its post-processing inside."""
    found = anatomy.postprocess(model)
    if found is None or len(found.outputs) != 4:
        missing = "there is no post-processing with four outputs, so only programs that decode its raw outputs find boxes in it"
        return (Violation("post-processing", missing),)
    broken = [*input_faults(model, kind), *_outputs(model, found), *_signature(model, found)]
    return (*broken, *_metadata(model), *_labels(model, found), *kind_rules.violations(model, kind))


def metadata_of(model: Model) -> Optional[Metadata]:
    """The metadata, or None where there is none or none that can be read."""
    try:
        return Metadata.of(model)
    except InputError:
        return None


def label_files(metadata: Metadata) -> list[str]:
    """Names of the label files that the metadata gives the classes, which are output 1."""
    return [
        file.name
        for output in metadata.outputs[1:2]
        for file in output.files
        if file.type == "TENSOR_VALUE_LABELS"
    ]


def input_faults(model: Model, kind: Kind, *, batches: bool = False) -> Iterator[Violation]:
    """What is wrong with the input, which is the same with and without post-processing.

    With `batches` it may take more than one image at a time.
    """
    tensors = [model.main.tensors[index] for index in model.main.inputs]
    if len(tensors) != 1:
        yield Violation("input", f"it has {len(tensors)} inputs, not 1")
        return
    tensor = tensors[0]
    shape = tensor.shape
    images = len(shape) == 4 and (shape[0] == 1 or (batches and shape[0] > 1))
    if not images or shape[3] != 3:
        yield Violation("input", f"its shape is {list(shape)}, not [{'N' if batches else 1}, H, W, 3]")
    if -1 in tensor.signature:
        yield Violation("input", f"its size may change ({list(tensor.signature)})")
    if tensor.type not in kind.inputs:
        yield Violation("input", f"it takes {tensor.type}; {kind.name} files take {' or '.join(kind.inputs)}")
    elif tensor.type in ("uint8", "int8") and not anatomy.takes_camera_bytes(tensor):
        yield Violation("input scale", _scale_message(tensor))


def _scale_message(tensor: Tensor) -> str:
    zeros, feed = ("-1 or 0", "bytes less 128 mean") if tensor.type == "int8" else ("127 or 128", "bytes mean")
    wanted = f"scale 1/127.5 and zero point {zeros}, so that {feed} -1..1"
    limits = anatomy.input_range(tensor)
    if limits is None:
        return f"the {tensor.type} input has no quantisation; it needs {wanted}"
    scale = float(tensor.quantization.scales[0])
    zero = int(tensor.quantization.zero_points[0])
    return (
        f"bytes 0..255 mean {limits[0]:.3g}..{limits[1]:.3g} (scale {scale:.6g}, zero point "
        f"{zero}); it needs {wanted}: calibrate with runtime.inference.preprocessing"
    )


def _outputs(model: Model, found: Postprocess) -> Iterator[Violation]:
    outputs = model.main.outputs
    tensors = [model.main.tensors[index] for index in outputs]
    if set(outputs) != set(found.outputs) or len(outputs) != 4:
        yield Violation("outputs", f"its {len(outputs)} outputs are not the four of its {found.name}")
        return
    if outputs != found.outputs:
        order = ", ".join(str(role) for role in anatomy.output_roles(model))
        yield Violation("order", f"outputs are {order}, not {', '.join(anatomy.ROLES)}")
    role_of = {index: role for role, index in found.roles.items()}
    roles = [role_of[index] for index in outputs]
    shapes = dict(zip(anatomy.ROLES, output_shapes(found.detections)))
    names = dict(zip(anatomy.ROLES, OUTPUT_NAMES))
    for role, tensor in zip(roles, tensors):
        if tensor.type != "float32":
            yield Violation("outputs", f"{role} are {tensor.type}, not float32")
        if tensor.name != names[role]:
            yield Violation("names", f"{role} are named {tensor.name}, not {names[role]}")
        if tensor.shape != shapes[role]:
            yield Violation(
                "shapes", f"{role} are {list(tensor.shape)}, not {list(shapes[role])}"
            )


def _signature(model: Model, found: Postprocess) -> Iterator[Violation]:
    count = len(model.signatures)
    if count != 1:
        yield Violation("signature", f"it has {count} signatures; pycoral wants exactly one")
        return
    wanted = signature_outputs(found)
    signature = model.signatures[0]
    names = {index: role for role, index in found.roles.items()}
    for name, role in zip(wanted, SIGNATURE_ROLES):
        got = signature.outputs.get(name)
        if got != wanted[name]:
            is_now = "missing" if got is None else names.get(got, "something else")
            yield Violation("signature", f"{name} is {is_now}, not {role}")
    if set(signature.outputs) - set(wanted):
        yield Violation("signature", "it has outputs other than output_0 to output_3")
    if tuple(signature.inputs.values()) != model.main.inputs:
        yield Violation("signature", "its inputs are not those of the graph")


def _metadata(model: Model) -> Iterator[Violation]:
    try:
        metadata = Metadata.of(model)
    except InputError as error:
        yield Violation("metadata", str(error))
        return
    if metadata is None:
        yield Violation("metadata", "there is none; Task Library and MediaPipe Tasks refuse the file")
        return
    yield from normalisation_faults(model)
    names = tuple(output.name for output in metadata.outputs)
    if names != METADATA_NAMES:
        yield Violation(
            "metadata", f"outputs are called {list(names)}, not {list(METADATA_NAMES)}"
        )
        return
    boxes = metadata.outputs[0].boxes
    form = boxes and (boxes.index, boxes.type, boxes.coordinates)
    if form != (BOX_INDEX, "BOUNDARIES", "RATIO"):
        yield Violation(
            "metadata",
            f"location is {form or 'without BoundingBoxProperties'}, not index {list(BOX_INDEX)}, "
            "BOUNDARIES, RATIO",
        )


def normalisation_faults(model: Model) -> Iterator[Violation]:
    """What is wrong with what the metadata says of the input."""
    metadata = metadata_of(model)
    if metadata is None:
        return
    if len(metadata.inputs) != 1:
        yield Violation("metadata", f"it describes {len(metadata.inputs)} inputs, not 1")
        return
    (said,) = metadata.inputs
    if not (said.mean and said.std):
        yield Violation("metadata", f"NormalizationOptions are mean {list(said.mean)}, std {list(said.std)}")
        return
    wanted = Normalization(said.mean, said.std)
    if not kind_rules.feeds(model, wanted):
        yield Violation(
            "metadata",
            f"NormalizationOptions are mean {list(said.mean)}, std {list(said.std)}, "
            f"but the layers take {kind_rules.fed(model)}",
        )


def _labels(model: Model, found: Postprocess) -> Iterator[Violation]:
    metadata = metadata_of(model)
    if metadata is None:
        return
    names = label_files(metadata)
    if not names:
        yield Violation("labels", "category has no associated file of type TENSOR_VALUE_LABELS")
        return
    yield from label_faults(model, names, found.classes)


def label_faults(model: Model, names: Sequence[str], classes: int) -> Iterator[Violation]:
    """What is wrong with the label files `names` in `model`, which tells `classes` apart."""
    try:
        files = model.associated_files()
    except InputError as error:
        yield Violation("labels", str(error))
        return
    for name in names:
        if name not in files:
            yield Violation("labels", f"{name} is named in the metadata but not in the file")
            continue
        count = len(files[name].decode("utf-8", errors="replace").rstrip().splitlines())
        if count != classes:
            yield Violation("labels", f"{name} has {count} names for {classes} classes")
        if is_compressed(model, name):
            yield Violation("labels", f"{name} is compressed; consumers read it where it lies")


def is_compressed(model: Model, name: str) -> bool:
    """Whether the associated file `name` is stored compressed in `model`."""
    with zipfile.ZipFile(io.BytesIO(model.data)) as archive:
        return archive.getinfo(name).compress_type != zipfile.ZIP_STORED
