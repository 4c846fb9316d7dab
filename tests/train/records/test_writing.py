from __future__ import annotations

import os
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from runtime.common.errors import InputError, KitError
from runtime.common.values import Box, Labels
from tests.support.voc_samples import data_set
from train import open_dataset
from train.dataset.dataset import Example, LabelledBox
from train.dataset.examples import images
from train.files import tf_example
from train.records import bench, shards, writing
from train.records.__main__ import main

LABELS = Labels(("cat", "dog"))
real = writing._hash_images


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own-cache"))


@pytest.fixture
def examples(tmp_path):
    data_set(tmp_path / "data", 6, boxes=[("dog", 4, 5, 30, 28), ("cat", 0, 0, 64, 48)])
    dataset = open_dataset(tmp_path / "data")
    return sorted(dataset.train + dataset.validation, key=lambda example: example.id)


def parse(tf, files) -> dict[str, dict[str, np.ndarray]]:
    """What tf.data reads from `files`, by source id, as the Object Detection API's decoder asks for it."""
    scalar = tf.io.FixedLenFeature
    spec = {
        "image/encoded": scalar((), tf.string),
        "image/format": scalar((), tf.string),
        "image/filename": scalar((), tf.string),
        "image/source_id": scalar((), tf.string),
        "image/height": scalar((), tf.int64),
        "image/width": scalar((), tf.int64),
        **{f"image/object/bbox/{side}": tf.io.VarLenFeature(tf.float32) for side in ("xmin", "ymin", "xmax", "ymax")},
        "image/object/class/text": tf.io.VarLenFeature(tf.string),
        "image/object/class/label": tf.io.VarLenFeature(tf.int64),
        "image/object/difficult": tf.io.VarLenFeature(tf.int64),
        "image/object/truncated": tf.io.VarLenFeature(tf.int64),
    }
    found = {}
    for record in tf.data.TFRecordDataset([str(file) for file in files]):
        values = tf.io.parse_single_example(record, spec)
        values = {
            key: (tf.sparse.to_dense(value) if isinstance(value, tf.SparseTensor) else value).numpy()
            for key, value in values.items()
        }
        found[values["image/source_id"].decode()] = values
    return found


def test_tensorflow_reads_back_what_was_written(tf, tmp_path, examples):
    found = parse(tf, writing.build(examples, LABELS, cache=tmp_path / "cache", progress=False))
    assert sorted(found) == [example.id for example in examples]
    for example in examples:
        values = found[example.id]
        data = example.image.read_bytes()
        assert values["image/encoded"] == data
        assert (values["image/format"], values["image/filename"].decode()) == (b"jpeg", example.image.name)
        assert (values["image/width"], values["image/height"]) == (64, 48)
        assert values["image/object/class/text"].tolist() == [b"dog", b"cat"]
        assert values["image/object/class/label"].tolist() == [2, 1]
        assert values["image/object/bbox/xmin"].tolist() == pytest.approx([4 / 64, 0])
        assert values["image/object/bbox/ymin"].tolist() == pytest.approx([5 / 48, 0])
        assert values["image/object/bbox/xmax"].tolist() == pytest.approx([30 / 64, 1])
        assert values["image/object/bbox/ymax"].tolist() == pytest.approx([28 / 48, 1])


def test_tensorflow_decodes_every_kind_of_image_to_the_pixels_of_load(tf, tmp_path):
    pixels = cv2.resize(np.random.default_rng(0).integers(0, 255, (3, 4, 3)).astype(np.uint8), (64, 48))
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    image.convert("RGBA").save(tmp_path / "alpha.png")
    image.quantize(16).save(tmp_path / "palette.gif")
    image.save(tmp_path / "lossy.webp")
    image.save(tmp_path / "plain.bmp")
    made = []
    for path in sorted(tmp_path.iterdir()):
        turned = path.name == "turned.jpg"
        width, height = (48, 64) if turned else (64, 48)
        made.append(Example(path.name, path, width, height, (), 6 if turned else 1))
    found = parse(tf, writing.build(made, LABELS, cache=tmp_path / "cache", progress=False))
    for example in made:
        values = found[example.id]
        decoded = tf.io.decode_image(values["image/encoded"], channels=3).numpy()
        assert decoded.shape == (values["image/height"], values["image/width"], 3)
        assert np.abs(decoded[:, :, ::-1].astype(int) - images.load(example)).mean() < 2, example.id


def test_wire_format_is_that_of_protobuf(tf):
    features = {
        "b": (bytes, [b"", b"x" * 300]),
        "a": (float, [0.1, -3.5]),
        "n": (int, [0, -1, 127, 128, 1 << 40]),
        "none": (int, []),
        "nothing": (float, []),
        "nil": (bytes, []),
    }
    made = tf.train.Example.FromString(tf_example.encode(features)).features.feature
    assert list(made["b"].bytes_list.value) == [b"", b"x" * 300]
    assert list(made["a"].float_list.value) == pytest.approx([0.1, -3.5])
    assert list(made["n"].int64_list.value) == [0, -1, 127, 128, 1 << 40]
    kinds = [made[key].WhichOneof("kind") for key in ("none", "nothing", "nil")]
    assert kinds == ["int64_list", "float_list", "bytes_list"]


def test_second_call_builds_nothing(tmp_path, examples, monkeypatch):
    first = writing.build(examples, LABELS, cache=tmp_path / "cache", progress=False)
    monkeypatch.setattr(writing, "_write", None)
    assert writing.build(examples, LABELS, cache=tmp_path / "cache", progress=False) == first


def test_images_are_hashed_again_only_when_they_have_changed(tmp_path, examples, monkeypatch):
    hashed = []
    monkeypatch.setattr(writing, "_hash_images", lambda *_: hashed.append(True) or real(*_))

    def build(**options):
        before = len(hashed)
        files = writing.build(examples, LABELS, cache=tmp_path / "cache", progress=False, **options)
        return files, len(hashed) - before

    # Files of this instant could change unseen, so they are hashed.
    first, _ = build()
    assert build() == (first, 1)
    monkeypatch.setattr(writing, "_CLOCK_STEP", -(10**12))
    assert build() == (first, 1)
    assert build() == (first, 0)
    assert build(rehash=True) == (first, 1)
    os.utime(examples[0].image)
    assert build() == (first, 1)
    assert build() == (first, 0)


def test_copy_of_the_data_elsewhere_finds_the_same_records(tmp_path, examples, monkeypatch):
    first = writing.build(examples, LABELS, cache=tmp_path / "cache", progress=False)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    copies = [replace(example, image=tmp_path / "copy/images" / example.image.name) for example in examples]
    monkeypatch.setattr(writing, "_write", None)
    assert writing.build(copies, LABELS, cache=tmp_path / "cache", progress=False) == first


def test_any_change_of_the_data_rebuilds_the_records(tmp_path, examples):
    def build(some, labels=LABELS):
        return writing.build(some, labels, cache=tmp_path / "cache", progress=False)

    first = examples[0]
    folders = [build(examples)[0].parent, build(examples[1:])[0].parent]
    folders.append(build(examples, Labels(("cat", "dog", "eel")))[0].parent)
    moved = LabelledBox("dog", Box(4, 5, 30, 28.5))
    folders.append(build([replace(first, boxes=(moved, first.boxes[1])), *examples[1:]])[0].parent)
    # Same size, same time: only the contents tell.
    status = first.image.stat()
    data = bytearray(first.image.read_bytes())
    data[-20] ^= 1
    first.image.write_bytes(data)
    os.utime(first.image, ns=(status.st_atime_ns, status.st_mtime_ns))
    folders.append(build(examples)[0].parent)
    assert len(set(folders)) == 5


def test_bytes_do_not_depend_on_the_number_of_processes(tmp_path, examples, monkeypatch):
    one = writing.build(examples, LABELS, cache=tmp_path / "one", progress=False)
    monkeypatch.setattr(writing, "_BYTES_A_PROCESS", 1)
    monkeypatch.setattr(writing, "cores", lambda: 2)
    two = writing.build(examples, LABELS, cache=tmp_path / "two", progress=False)
    assert [path.name for path in one] == [path.name for path in two]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.parametrize(("shards", "count"), [(None, 6), (3, 3), (100, 6)])
def test_shards(tmp_path, examples, shards, count):
    files = writing.build(examples, LABELS, cache=tmp_path / "cache", shards=shards, progress=False)
    assert len(files) == count and all(file.stat().st_size for file in files)
    assert files[0].name == f"examples-00000-of-{count:05d}.tfrecord"


def test_image_that_was_removed_or_changed_leaves_nothing_behind(tmp_path, examples):
    image = examples[3].image
    data = image.read_bytes()
    image.write_bytes(data[:-100])
    with pytest.raises(InputError, match=r"p3.jpg: the JPEG is cut off"):
        writing.build(examples, LABELS, cache=tmp_path / "cache", progress=False)
    assert not any((tmp_path / "cache/records").iterdir())
    image.unlink()
    with pytest.raises(InputError, match=r"p3.jpg: cannot read"):
        writing.build(examples, LABELS, cache=tmp_path / "cache", progress=False)


def test_cache_that_cannot_be_written(tmp_path, examples):
    (tmp_path / "file").write_text("")
    with pytest.raises(KitError, match="cannot write the records"):
        writing.build(examples, LABELS, cache=tmp_path / "file", progress=False)


def test_progress_goes_to_standard_error(tmp_path, examples, capsys):
    writing.build(examples, LABELS, cache=tmp_path / "cache")
    out, err = capsys.readouterr()
    assert out == "" and "6/6" in err


def test_shards_are_written_as_a_data_set_that_is_read_again(tmp_path, examples, capsys):
    assert main([str(tmp_path / "data"), str(tmp_path / "out"), "--shards", "2"]) == 0
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")) == [
        "label_map.pbtxt",
        "labels.txt",
        *(f"train/examples-0000{i}-of-00002.tfrecord" for i in range(2)),
        "valid/examples-00000-of-00001.tfrecord",
    ]
    one, other = open_dataset(tmp_path / "data"), open_dataset(tmp_path / "out")
    assert [(e.id, e.boxes) for e in one.train + one.validation] == [(e.id, e.boxes) for e in other.train + other.validation]
    assert one.labels == other.labels
    # Training on either finds the same records.
    first = writing.build(one.train, one.labels, cache=tmp_path / "cache", progress=False)
    assert writing.build(other.train, other.labels, cache=tmp_path / "cache", progress=False) == first
    with pytest.raises(InputError, match="there already"):
        writing.write(one, tmp_path / "out", progress=False)


def test_a_disk_that_is_full_leaves_nothing(tmp_path, examples, monkeypatch):
    def full(file, shard):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards, "write", full)
    with pytest.raises(KitError, match="out: cannot be written: No space left on device"):
        writing.write(open_dataset(tmp_path / "data"), tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


def test_rates_are_measured(tmp_path, examples, monkeypatch):
    monkeypatch.setattr(bench, "_BYTES_A_ROUND", 1)
    rates = bench.measure(tmp_path / "data", open_dataset(tmp_path / "data"), rounds=1)
    assert rates.ratio == pytest.approx(rates.writing / rates.hashing)
    assert rates.kilobytes == pytest.approx(sum(e.image.stat().st_size for e in examples) / 6e3)
    assert "write / read and SHA-256" in rates.table()
    assert not list((tmp_path / "own-cache/edge-detection-kit/records").iterdir())
