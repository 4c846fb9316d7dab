"""Opening a data set and writing its records keep few images in memory, for data sets of any size."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import format_samples as make
from tests.support.format_samples import FORMATS, samples
from train import open_dataset
from train.files import tfrecord
from train.records import shards, writing

IMAGE_BYTES = 300_000
# What is kept of each image: its example, and what is known of its files. One of the larger sets may
# have had one image more in memory at its worst moment, which makes 10,000 of these.
KEPT_BYTES = 20_000


def peak(folder: Path) -> int:
    """The most bytes that Python holds while `folder` becomes records."""
    tracemalloc.start()
    dataset = open_dataset(folder)
    writing.build(dataset.train, dataset.labels, progress=False)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("format", FORMATS)
def test_memory_does_not_grow_with_the_images(tmp_path, monkeypatch, format):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # In this process, so that its memory can be measured.
    monkeypatch.setattr(writing, "_BYTES_A_PROCESS", 1 << 40)
    # Of what is read and collected before it is written, one image, however many there are in a shard.
    monkeypatch.setattr(tfrecord, "_BUFFER_BYTES", 1)
    monkeypatch.setattr(shards, "_BATCH", 1)
    peaks = []
    for count in (10, 10, 40):
        # Readers pass over what comes after a JPEG's end.
        images = [replace(sample, data=sample.data + bytes(IMAGE_BYTES)) for sample in samples(count, 1)]
        peaks.append(peak(make.write(format, tmp_path / f"{len(peaks)}", images)))
    # The first call also allocates what is allocated once in a process.
    growth = (peaks[2] - peaks[1]) / 30
    assert growth < KEPT_BYTES, peaks
