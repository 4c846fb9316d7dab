"""Writes TFLite Metadata and the label file into a detector.

What is written for the four outputs is what tflite-support's own writer gives an object detector;
Task Library and MediaPipe Tasks find their way by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

from ai_edge_litert import schema_py_generated as tflite

from convert.file import flatbuffer_objects, metadata_schema
from runtime.common.errors import InputError
from runtime.common.values import Labels
from runtime.model import raw_head, trained_tiles
from runtime.model.metadata import ENTRY
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model
from train.geometry.normalization import Normalization

LABEL_FILE = "labels.txt"
NAME = "ObjectDetector"
DESCRIPTION = (
    "Identify which of a known set of objects might be present and provide information about "
    "their positions within the given image or a video stream."
)

# Where left, top, right and bottom stand in a box [ymin, xmin, ymax, xmax].
BOX_INDEX = (1, 0, 3, 2)
OUTPUT_NAMES = ("location", "category", "score", "number of detections")

RAW_NAMES = ("box codes", "class logits")
# Tensors and outputs of the signature have names without spaces.
RAW_TENSORS = ("box_codes", "class_logits")
RAW_DESCRIPTION = (
    "An object detector without its post-processing: box codes and class logits of every anchor, not boxes "
    f"and scores. {raw_head.FILE} inside says how detections are made of them."
)
_DISTRIBUTIONS = (
    "{bins} logits for each of the distances to the left, top, right and bottom side of the box, of every point, in its width "
    "and height."
)

_INPUT_RANGES = {
    tflite.TensorType.UINT8: (0.0, 255.0),
    tflite.TensorType.INT8: (-128.0, 127.0),
}


@dataclass(frozen=True)
class ModelInfo:
    """What the metadata says of a file as a whole. A field that is None is left out.

    `score_threshold` is written as the score output's own threshold, below which consumers drop detections;
    without it they keep what the file gives. `normalization` is that of a float input: an integer input takes bytes.
    """

    name: str = NAME
    description: str = DESCRIPTION
    version: Optional[str] = None
    author: Optional[str] = None
    license: Optional[str] = None
    score_threshold: Optional[float] = None
    normalization: Normalization = Normalization()


def with_metadata(model: bytes, *, labels: Labels, info: ModelInfo = ModelInfo()) -> bytes:
    """`model` with metadata and `labels` inside; what it had of both before is replaced.

    `model` has one image input and the four outputs boxes, classes, scores, count in that order.

    Raises InputError where `model` is no .tflite, its input is of a type the metadata has no range
    for, or it has another number of inputs or outputs.
    """
    table = detector_metadata(input_range=_input_range(model, len(OUTPUT_NAMES), info.normalization), info=info)
    return _attached(model, table, {LABEL_FILE: labels.text().encode()})


def with_raw_metadata(
    model: bytes,
    head: RawHead,
    *,
    labels: Labels,
    version: Optional[str] = None,
    score_threshold: Optional[float] = None,
    normalization: Normalization = Normalization(),
) -> bytes:
    """As `with_metadata`, for a `model` with the outputs box codes and class logits that `head` describes."""
    table = raw_metadata(
        input_range=_input_range(model, len(RAW_NAMES), normalization),
        version=version,
        score_threshold=score_threshold,
        normalization=normalization,
        bins=head.bins,
    )
    return _attached(model, table, {LABEL_FILE: labels.text().encode(), raw_head.FILE: head.encode()})


def with_metadata_of(source: bytes, model: bytes) -> bytes:
    """`model` with the metadata and the associated files of `source`, as they are there.

    Raises InputError where `source` has no metadata.
    """
    read = Model.parse(source, "the file to take metadata from")
    if ENTRY not in read.metadata:
        raise InputError(f"{read.where} has none")
    objects = flatbuffer_objects.unpack(model)
    for name in (ENTRY, trained_tiles.ENTRY):
        if name in read.metadata:
            flatbuffer_objects.set_metadata(objects, name, read.metadata[name])
    return flatbuffer_objects.append_files(flatbuffer_objects.pack(objects), read.associated_files())


def detector_metadata(
    *, input_range: tuple[float, float], info: ModelInfo = ModelInfo()
) -> metadata_schema.ModelMetadata:
    """The metadata of a detector whose input takes values of `input_range` (least, greatest)."""
    graph = metadata_schema.SubGraphMetadata(
        input_tensor_metadata=(_input(input_range, info.normalization),),
        output_tensor_metadata=_outputs(info.score_threshold),
        output_tensor_groups=(metadata_schema.TensorGroup("detection_result", OUTPUT_NAMES[:3]),),
    )
    return metadata_schema.ModelMetadata(
        name=info.name,
        description=info.description,
        version=info.version,
        subgraph_metadata=(graph,),
        author=info.author,
        license=info.license,
    )


def raw_metadata(
    *,
    input_range: tuple[float, float],
    version: Optional[str] = None,
    score_threshold: Optional[float] = None,
    normalization: Normalization = Normalization(),
    bins: int = 0,
) -> metadata_schema.ModelMetadata:
    """The metadata of a detector that ends before its post-processing; `bins` are those of `RawHead`."""
    features = metadata_schema.Content(metadata_schema.FeatureProperties())
    description = metadata_schema.AssociatedFile(
        raw_head.FILE, "Anchors, box scales and thresholds: what is needed to make detections of the outputs."
    )
    label_file = metadata_schema.AssociatedFile(
        LABEL_FILE, "Labels of the columns, without background.", metadata_schema.TENSOR_AXIS_LABELS
    )
    codes, logits = RAW_NAMES
    graph = metadata_schema.SubGraphMetadata(
        input_tensor_metadata=(_input(input_range, normalization),),
        output_tensor_metadata=(
            metadata_schema.TensorMetadata(
                codes,
                _DISTRIBUTIONS.format(bins=bins) if bins else "ty, tx, th, tw of every anchor, relative to it.",
                features,
                stats=metadata_schema.Stats(),
                associated_files=(description,),
            ),
            metadata_schema.TensorMetadata(
                logits,
                "A logit for every anchor and class; its sigmoid is the score.",
                features,
                process_units=_thresholding(score_threshold),
                stats=metadata_schema.Stats(),
                associated_files=(label_file,),
            ),
        ),
    )
    return metadata_schema.ModelMetadata(
        name=NAME, description=RAW_DESCRIPTION, version=version, subgraph_metadata=(graph,)
    )


def _input_range(model: bytes, outputs: int, normalization: Normalization) -> tuple[float, float]:
    graph = flatbuffer_objects.unpack(model).subgraphs[0]
    if len(graph.inputs) != 1 or len(graph.outputs) != outputs:
        raise InputError(
            f"a detector has 1 input and {outputs} outputs, this file has "
            f"{len(graph.inputs)} and {len(graph.outputs)}; its metadata cannot be written"
        )
    kind = graph.tensors[graph.inputs[0]].type
    if kind == tflite.TensorType.FLOAT32:
        return normalization.range()
    if kind not in _INPUT_RANGES:
        raise InputError("the input is neither uint8, int8 nor float32; convert it to one of them")
    return _INPUT_RANGES[kind]


def _attached(model: bytes, table: metadata_schema.ModelMetadata, files: Mapping[str, bytes]) -> bytes:
    objects = flatbuffer_objects.unpack(model)
    flatbuffer_objects.set_metadata(objects, ENTRY, metadata_schema.encode(table))
    return flatbuffer_objects.append_files(flatbuffer_objects.pack(objects), files)


def _input(input_range: tuple[float, float], normalization: Normalization) -> metadata_schema.TensorMetadata:
    least, greatest = input_range
    options = metadata_schema.NormalizationOptions(normalization.mean, normalization.std)
    return metadata_schema.TensorMetadata(
        name="image",
        description="Input image to be detected.",
        content=metadata_schema.Content(metadata_schema.ImageProperties(metadata_schema.RGB)),
        process_units=(metadata_schema.ProcessUnit(options),),
        stats=metadata_schema.Stats(max=(greatest,), min=(least,)),
    )


def _outputs(score_threshold: Optional[float]) -> tuple[metadata_schema.TensorMetadata, ...]:
    # The range says over which axes the content runs: all values of one detection.
    each = metadata_schema.ValueRange(2, 2)
    features = metadata_schema.FeatureProperties()
    boxes = metadata_schema.BoundingBoxProperties(BOX_INDEX, metadata_schema.BOUNDARIES, metadata_schema.RATIO)
    label_file = metadata_schema.AssociatedFile(
        LABEL_FILE,
        "Labels for categories that the model can recognize.",
        metadata_schema.TENSOR_VALUE_LABELS,
    )
    location, category, score, count = OUTPUT_NAMES
    return (
        metadata_schema.TensorMetadata(
            location,
            "The locations of the detected boxes.",
            metadata_schema.Content(boxes, each),
            stats=metadata_schema.Stats(),
        ),
        metadata_schema.TensorMetadata(
            category,
            "The categories of the detected boxes.",
            metadata_schema.Content(features, each),
            stats=metadata_schema.Stats(),
            associated_files=(label_file,),
        ),
        metadata_schema.TensorMetadata(
            score,
            "The scores of the detected boxes.",
            metadata_schema.Content(features, each),
            process_units=_thresholding(score_threshold),
            stats=metadata_schema.Stats(),
        ),
        metadata_schema.TensorMetadata(
            count,
            "The number of the detected boxes.",
            metadata_schema.Content(features),
            stats=metadata_schema.Stats(),
        ),
    )


def _thresholding(score: Optional[float]) -> Optional[tuple[metadata_schema.ProcessUnit, ...]]:
    return None if score is None else (metadata_schema.ProcessUnit(metadata_schema.ScoreThresholdingOptions(score)),)
