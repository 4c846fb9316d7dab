"""Reads TFLite Metadata: the description of inputs and outputs inside a .tflite.

Field numbers are those of metadata_schema.fbs of TFLite Support:
https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, List, Mapping, Optional, Tuple

from runtime.model.flatbuffer import FlatBuffer, Table
from runtime.model.tflite import Model

ENTRY = "TFLITE_METADATA"
IDENTIFIER = b"M001"

# enum AssociatedFileType
FILE_TYPES = ["UNKNOWN", "DESCRIPTIONS", "TENSOR_AXIS_LABELS", "TENSOR_VALUE_LABELS", "TENSOR_AXIS_SCORE_CALIBRATION", "VOCABULARY", "SCANN_INDEX_FILE"]
# enum BoundingBoxType, enum CoordinateType
BOX_TYPES = ["UNKNOWN", "BOUNDARIES", "UPPER_LEFT", "CENTER"]
COORDINATES = ["RATIO", "PIXEL"]

# union ContentProperties, union ProcessUnitOptions
_BOX_CONTENT = 3
_NORMALIZATION, _SCORE_CALIBRATION, _SCORE_THRESHOLDING = 1, 2, 3


@dataclass(frozen=True)
class AssociatedFile:
    """A file packed into the model. `type` is one of FILE_TYPES; `locale` is empty for the default language."""

    name: str
    type: str
    locale: str = ""
    description: str = ""

    @property
    def holds_labels(self) -> bool:
        """Whether the file is a label list."""
        return self.type in ("TENSOR_VALUE_LABELS", "TENSOR_AXIS_LABELS")


@dataclass(frozen=True)
class BoxLayout:
    """The layout of a box in the output with the boxes.

    `index` has the positions of left, top, right and bottom: (1, 0, 3, 2) for boxes ymin, xmin, ymax, xmax. `type` is
    one of BOX_TYPES, `coordinates` one of COORDINATES.
    """

    index: Tuple[int, ...]
    type: str
    coordinates: str


@dataclass(frozen=True)
class TensorMetadata:
    """The metadata of one input or output. Absent values are empty tuples, or None for `score_threshold`.

    `mean` and `std` have one value, or one for each channel: the input is (x - mean) / std of image bytes x. `minimum`
    and `maximum` are the range of the tensor's values.
    """

    name: str
    description: str = ""
    mean: Tuple[float, ...] = ()
    std: Tuple[float, ...] = ()
    minimum: Tuple[float, ...] = ()
    maximum: Tuple[float, ...] = ()
    files: Tuple[AssociatedFile, ...] = ()
    score_threshold: Optional[float] = None
    score_calibration: bool = False
    boxes: Optional[BoxLayout] = None


@dataclass(frozen=True)
class Metadata:
    """The metadata of a model. `inputs` and `outputs` are in the order of the model's main subgraph.

    `custom` are entries of other formats, by name, such as `DETECTOR_METADATA`.
    """

    name: str
    description: str
    inputs: Tuple[TensorMetadata, ...]
    outputs: Tuple[TensorMetadata, ...]
    files: Tuple[AssociatedFile, ...] = ()
    custom: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Model) -> Optional[Metadata]:
        """The metadata of `model`; None where it has none. Raises InputError where it is damaged."""
        data = model.metadata.get(ENTRY)
        return None if data is None else cls.parse(data, f"{model.where}: its metadata")

    @classmethod
    def parse(cls, data: bytes, where: str = "metadata") -> Metadata:
        """Parses `data`. Raises InputError where it is not TFLite Metadata, or damaged."""
        flat = FlatBuffer(data, IDENTIFIER, where)
        root = flat.root()
        graphs = root.tables(3)
        files = _files(root, 6)
        if not graphs:
            return cls(root.text(0), root.text(1), (), (), files)
        main = graphs[0]
        inputs = tuple(_tensor(table) for table in main.tables(2))
        outputs = tuple(_tensor(table) for table in main.tables(3))
        custom = {entry.text(0): _content(flat, entry) for entry in main.tables(9)}
        return cls(root.text(0), root.text(1), inputs, outputs, files + _files(main, 4), custom)

    def all_files(self) -> Iterator[AssociatedFile]:
        """All associated files, those of outputs first, since a label list usually belongs to an output."""
        for output in self.outputs:
            yield from output.files
        yield from self.files
        for tensor in self.inputs:
            yield from tensor.files


def _content(flat: FlatBuffer, entry: Table) -> bytes:
    content = entry.data(1)
    flat.spend(len(content))
    return bytes(content)


def _tensor(table: Table) -> TensorMetadata:
    mean: Tuple[float, ...] = ()
    std: Tuple[float, ...] = ()
    threshold: Optional[float] = None
    calibration = False
    for kind, options in _process_units(table):
        if kind == _NORMALIZATION:
            mean, std = _floats(options, 0), _floats(options, 1)
        elif kind == _SCORE_THRESHOLDING:
            threshold = options.real(0)
        elif kind == _SCORE_CALIBRATION:
            calibration = True
    stats = table.table(5)
    return TensorMetadata(
        name=table.text(0),
        description=table.text(1),
        mean=mean,
        std=std,
        minimum=_floats(stats, 1) if stats else (),
        maximum=_floats(stats, 0) if stats else (),
        files=_files(table, 6),
        score_threshold=threshold,
        score_calibration=calibration,
        boxes=_boxes(table.table(3)),
    )


def _process_units(table: Table) -> List[Tuple[int, Table]]:
    units = [(unit.number(0, "B"), unit.table(1)) for unit in table.tables(4)]
    return [(kind, options) for kind, options in units if options is not None]


def _boxes(content: Optional[Table]) -> Optional[BoxLayout]:
    if content is None or content.number(0, "B") != _BOX_CONTENT:
        return None
    layout = content.table(1)
    if layout is None:
        return None
    return BoxLayout(
        tuple(layout.numbers(0, "<u4").tolist()),
        _named(BOX_TYPES, layout.number(1, "b")),
        _named(COORDINATES, layout.number(2, "b")),
    )


def _files(table: Table, field: int) -> Tuple[AssociatedFile, ...]:
    return tuple(
        AssociatedFile(
            entry.text(0), _named(FILE_TYPES, entry.number(2, "b")), entry.text(3), entry.text(1)
        )
        for entry in table.tables(field)
    )


def _named(names: List[str], value: int) -> str:
    return names[value] if 0 <= value < len(names) else f"UNKNOWN_{value}"


def _floats(table: Table, field: int) -> Tuple[float, ...]:
    return tuple(table.numbers(field, "<f4").tolist())
