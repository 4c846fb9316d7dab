"""The part of a data set that a file belongs to, by the names of folders and files."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from train.dataset.examples.split_names import split_of, split_of_folder, without_split

FOLDERS = {
    "train": "train", "Training": "train", "train2017": "train", "TrainSet": "train", "train_images": "train", "trainval": "train",
    "images_train": "train", "training-set": "train", "raccoon_train": "train", "1_train": "train", "tr": "train",
    "trainset": "train", "TrainImages": "train", "train_data": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val", "eval": "val", "evaluation": "val", "holdout": "val",
    "validation_set": "val", "ValidationImages": "val", "val-2": "val", "va": "val", "hold-out": "val",
    "test": "test", "Testing": "test", "testing images": "test", "test_set": "test", "te": "test", "helmets-test": "test",
    "testset": "test", "test_1": "test",
    "test results": "", "trains": "", "train test": "", "devices": "", "attest": "", "freight train": "", "images": "",
    "1": "", "": "", "test_results": "", "trainee": "", "contest": "",
}  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders(folder):
    assert split_of_folder(PurePath("data", folder, "a.xml")) == FOLDERS[folder]


FILES = {
    "train_labels.csv": "train", "labels-test.csv": "test", "pascal_val.record": "val", "instances_val2017.json": "val",
    "dev.json": "val", "holdout.csv": "val", "test_train.csv": "train", "tr.csv": "train", "te.tfrecord": "test",
    "labels_tr.csv": "", "trainset.csv": "train", "eval.record-00000-of-00001": "val", "cats.csv": "",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files(name):
    assert split_of(PurePath(name)) == FILES[name]


def test_the_outermost_folder_counts_before_the_file():
    assert split_of(PurePath("train/test_labels.csv")) == "train"
    assert split_of_folder(PurePath("valid/train/a.xml")) == "val"


def test_names_without_their_part():
    assert without_split(PurePath("train_labels.csv")) == without_split(PurePath("labels-test2.csv")) == "labels csv"
