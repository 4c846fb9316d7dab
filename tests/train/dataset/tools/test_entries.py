"""What the readers of the labelling tools' own formats have in common."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box
from tests.support import format_samples as make
from tests.support.format_samples import BOX, SIZE, Sample, samples
from tests.support.tool_samples import TOOLS, write
from train import open_dataset
from train.dataset import formats

DOG = ("dog", 1, 2, 60, 40)
WITHOUT_SIZE = ("dlib", "edge_impulse", "frigate", "label_studio", "via", "fiftyone", "hugging_face", "scalabel", "yolo_keras")
SIZED = [tool for tool in TOOLS if tool not in WITHOUT_SIZE]
ANNOTATIONS = (".json", ".xml", ".jsonl", ".ndjson", ".manifest", ".labels", ".txt")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("tool", TOOLS)
def test_layout_of_exports(tmp_path, tool):
    images = [*samples(5, 2), Sample("background.jpg", "valid", (), data=make.image(9))]
    images[1] = replace(images[1], boxes=(DOG,))
    images[2] = replace(images[2], boxes=(BOX, DOG) if tool != "frigate" else (BOX,))
    folder = write(tool, tmp_path / "data", images)
    assert list(formats.scores(folder)) == [tool]
    dataset = open_dataset(folder)
    assert [e.image.read_bytes() for e in dataset.train] == [sample.data for sample in images[:3]]
    assert sorted(len(e.boxes) for e in dataset.validation) == ([1, 1] if tool == "frigate" else [0, 1, 1])
    assert [(item.label, item.box) for item in dataset.train[2].boxes][:2] == (
        [("cat", Box(*BOX[1:])), ("dog", Box(*DOG[1:]))][: len(images[2].boxes)]
    )
    assert {(e.width, e.height) for e in dataset.train + dataset.validation} == {SIZE}
    assert list(dataset.labels) == ["cat", "dog"]
    assert dataset.problems == () or tool == "frigate"


@pytest.mark.parametrize("tool", TOOLS)
def test_scores_count_images(tmp_path, tool):
    score = formats.scores(write(tool, tmp_path / "data", samples(5, 2)))[tool]
    # The lines of keras-yolo3 have numbers, whatever list of names lies beside them.
    assert score.images == 5 and score.named == (tool != "yolo_keras") and not score.derived and score.reason


@pytest.mark.parametrize("tool", TOOLS)
def test_zip(tmp_path, tool):
    folder = write(tool, tmp_path / "data", samples(4, 1))
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as file:
        for path in folder.rglob("*"):
            file.write(path, Path("export", path.relative_to(folder)))
    assert make.described(open_dataset(tmp_path / "data.zip")) == make.described(open_dataset(folder))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("fault", ["missing", "truncated", "no area", "outside"])
def test_one_bad_image_or_box_of_many(tmp_path, tool, fault):
    changes = {
        "missing": {"data": None},
        "truncated": {"data": make.image(1)[:-200]},
        "no area": {"boxes": (("cat", 9, 5, 9, 28),)},
        "outside": {"boxes": (("cat", 90, 5, 95, 28),)},
    }
    images = samples(12, 4)
    images[1] = replace(images[1], **changes[fault])
    dataset = open_dataset(write(tool, tmp_path / "data", images))
    assert len(dataset.train + dataset.validation) == 11
    assert tool == "frigate" or dataset.problems


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("junk", [b"\xff\xfe\x00 { [ ' <", b"{ 'a: [", b"\x00" * 40, b"[]", b"{}", b"<annotations/>", b"null"])
def test_annotations_that_cannot_be_read(tmp_path, tool, junk):
    folder = write(tool, tmp_path / "data", samples(4, 1))
    for path in folder.rglob("*"):
        if path.suffix in ANNOTATIONS:
            path.write_bytes(junk)
    with pytest.raises(InputError) as error:
        open_dataset(folder, format=tool)
    assert "\n" not in str(error.value)
    assert formats.scores(folder).keys() <= {"cvat"}


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool != "frigate"])
def test_names_of_another_machine(tmp_path, tool):
    """The images lie elsewhere, and the annotations name them as they lay on the machine of the person who labelled."""
    folder = write(tool, tmp_path / "data", samples(4, 1))
    for path in sorted(folder.rglob("*")):
        if path.suffix in ANNOTATIONS:
            slash = "\\" if path.suffix == ".xml" else "\\\\"
            text = path.read_text()
            for index in range(4):
                text = text.replace(f'"p{index}.jpg"', f'"C:{slash}Users{slash}me{slash}p{index}.jpg"')
            path.write_text(text)
        elif path.suffix == ".jpg" and tool != "supervisely":
            (path.parent / "pictures").mkdir(exist_ok=True)
            path.rename(path.parent / "pictures" / path.name)
    dataset = open_dataset(folder)
    assert (len(dataset.train), len(dataset.validation), dataset.problems) == (3, 1, ())


@pytest.mark.parametrize("tool", SIZED)
def test_another_size_is_scaled_or_named(tmp_path, tool):
    images = samples(6, 2)
    images[1] = replace(images[1], data=make.image(1, (32, 48)))
    dataset = open_dataset(write(tool, tmp_path / "data", images))
    assert any("p1.jpg" in line or "1 image" in line for line in dataset.problems)


def test_an_image_in_two_files(tmp_path):
    """CVAT repeats the images of a task in the file of each job."""
    folder = write("cvat", tmp_path / "data", samples(4))
    whole = (folder / "train/annotations.xml").read_text()
    empty = [part.partition("<box")[0] + "</image>" for part in whole.split("<image")[1:]]
    (folder / "train/job_2.xml").write_text("<annotations><meta/><image" + "<image".join(empty) + "</annotations>")
    dataset = open_dataset(folder)
    assert len(dataset.train + dataset.validation) == 4 and dataset.problems == ()


def test_images_without_annotation_are_told(tmp_path):
    folder = write("labelme", tmp_path / "data", samples(4))
    (folder / "train/extra.jpg").write_bytes(make.image(7))
    assert "not used, because no annotation names them: 1 images" in open_dataset(folder).problems


@pytest.mark.parametrize("tool", TOOLS)
def test_mostly_bad_is_refused(tmp_path, tool):
    images = [replace(sample, boxes=(("cat", 9, 5, 9, 28),)) for sample in samples(4)]
    with pytest.raises(InputError, match="4 of 4 boxes"):
        open_dataset(write(tool, tmp_path / "data", images))


def test_a_file_of_other_images_is_left_out_with_a_note(tmp_path):
    """A tool's example lies in the repository beside the data; a part without its images is no example."""
    folder = write("via", tmp_path / "data", samples(4))
    example = write("via", tmp_path / "example", [replace(sample, name=f"x{i}.jpg") for i, sample in enumerate(samples(6))])
    source = (example / "train/via_region_data.json").read_text()
    (folder / "tool").mkdir()
    (folder / "tool/demo.json").write_text(source)
    dataset = open_dataset(folder)
    assert len(dataset.train + dataset.validation) == 4 and dataset.bad_images == 0
    assert dataset.problems == ("tool/demo.json: not used, because not one of its 6 images is in the folder",)
    (folder / "tool/demo.json").rename(folder / "tool/test.json")
    with pytest.raises(InputError, match=r"6 of the 10 images that tool/test.json names are not in"):
        open_dataset(folder)
