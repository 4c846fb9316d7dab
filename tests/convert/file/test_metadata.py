from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from convert.file import flatbuffer_objects, metadata_schema
from convert.file.metadata import ModelInfo, detector_metadata, with_metadata, with_metadata_of
from runtime.common.errors import InputError
from runtime.common.values import Labels
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model
from tests.support.small_detector import LABELS, small_detector


def test_encoded_metadata_reads_back():
    data = metadata_schema.encode(detector_metadata(input_range=(0.0, 255.0), info=ModelInfo(author="somebody")))
    read = Metadata.parse(data)
    assert data[4:8] == b"M001"
    assert read.name == "ObjectDetector"
    (image,) = read.inputs
    assert (image.name, image.mean, image.std) == ("image", (127.5,), (127.5,))
    assert (image.minimum, image.maximum) == ((0.0,), (255.0,))
    assert [output.name for output in read.outputs] == [
        "location", "category", "score", "number of detections",
    ]  # fmt: skip
    boxes = read.outputs[0].boxes
    assert (boxes.index, boxes.type, boxes.coordinates) == ((1, 0, 3, 2), "BOUNDARIES", "RATIO")
    (labels,) = read.outputs[1].files
    assert (labels.name, labels.type) == ("labels.txt", "TENSOR_VALUE_LABELS")
    assert read.outputs[2].score_threshold is None


def test_score_threshold_belongs_to_the_score():
    data = metadata_schema.encode(detector_metadata(input_range=(0.0, 255.0), info=ModelInfo(score_threshold=0.25)))
    thresholds = [output.score_threshold for output in Metadata.parse(data).outputs]
    assert thresholds == [None, None, 0.25, None]


def test_parser_version_is_what_the_fields_need():
    metadata = detector_metadata(input_range=(0.0, 255.0))
    assert metadata_schema.needed_version(metadata) == "1.2.0"
    bare = metadata_schema.ModelMetadata(name="x", subgraph_metadata=(metadata_schema.SubGraphMetadata(),))
    assert metadata_schema.needed_version(bare) == "1.0.0"


@pytest.mark.parametrize(("kind", "least", "greatest"), [("fp16", -1.0, 1.0), ("int8", 0.0, 255.0)])
def test_range_follows_the_input_type(small_detector, kind, least, greatest):
    (image,) = Metadata.of(Model.parse(getattr(small_detector, kind))).inputs
    assert (image.minimum, image.maximum) == ((least,), (greatest,))


def test_labels_are_a_stored_zip_entry_without_a_date(small_detector):
    with zipfile.ZipFile(io.BytesIO(small_detector.int8)) as archive:
        (entry,) = archive.infolist()
        assert entry.filename == "labels.txt"
        assert entry.compress_type == zipfile.ZIP_STORED
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.read(entry).decode() == "red\ngreen\nblue\n"


def test_writing_again_replaces(small_detector):
    other = with_metadata(small_detector.int8, labels=Labels(("a", "ö", "c")), info=ModelInfo(name="other"))
    model = Model.parse(other)
    assert Metadata.of(model).name == "other"
    assert model.associated_files() == {"labels.txt": "a\nö\nc\n".encode()}
    assert with_metadata(other, labels=LABELS) == small_detector.int8


def test_metadata_of_another_file_is_copied_unchanged(small_detector):
    source = with_metadata(small_detector.int8, labels=LABELS, info=ModelInfo(name="other"))
    made = Model.parse(with_metadata_of(source, small_detector.int8))
    assert made.metadata["TFLITE_METADATA"] == Model.parse(source).metadata["TFLITE_METADATA"]
    assert made.associated_files() == Model.parse(source).associated_files()
    with pytest.raises(InputError, match="none"):
        with_metadata_of(small_detector.raw_int8, small_detector.int8)


def test_data_of_buffers_is_aligned(small_detector):
    model = Model.parse(small_detector.int8)
    start = np.frombuffer(model.data, np.uint8).ctypes.data
    offsets = {np.frombuffer(b, np.uint8).ctypes.data - start for b in model.buffers if len(b)}
    assert len(offsets) > 5
    assert {offset % 16 for offset in offsets} == {0}


def test_bytes_that_are_no_model_are_refused():
    with pytest.raises(InputError, match="TFL3"):
        with_metadata(b"no model at all", labels=LABELS)


def test_a_file_with_other_outputs_is_refused(small_detector):
    objects = flatbuffer_objects.unpack(small_detector.int8)
    objects.subgraphs[0].outputs = objects.subgraphs[0].outputs[:3]
    with pytest.raises(InputError, match="3"):
        with_metadata(flatbuffer_objects.pack(objects), labels=LABELS)
