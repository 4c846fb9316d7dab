"""TFRecords in Roboflow's layout: `train/NAME.tfrecord` with `NAME_label_map.pbtxt` beside it, and `valid/`."""

from __future__ import annotations

from pathlib import Path

from train.dataset.dataset import Dataset
from train.dataset.examples import label_map
from train.records import shards


def write(dataset: Dataset, folder: Path) -> None:
    """Writes `dataset` into `folder`, one TFRecord file per split.

    The feature keys are those of the Object Detection API; class numbers count from 1.
    """
    for part, examples in (("train", dataset.train), ("valid", dataset.validation)):
        (folder / part).mkdir()
        (folder / part / f"{dataset.name}_label_map.pbtxt").write_text(label_map.text(dataset.labels), encoding="utf-8")
        with (folder / part / f"{dataset.name}.tfrecord").open("wb", buffering=0) as file:
            shards.write(file, shards.shard(examples, dataset.labels))
