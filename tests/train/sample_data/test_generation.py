from __future__ import annotations

import cv2
import numpy as np
import pytest

from runtime.common.command import exit_code
from runtime.common.errors import InputError
from runtime.common.values import Box
from train import open_dataset
from train.dataset.examples import images
from train.generate import main
from train.sample_data import generation, scenes


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_written_data_set_reads_back_whole(tmp_path):
    generation.draw_dataset(tmp_path / "data", images=20, size=(160, 120))
    dataset = open_dataset(tmp_path / "data")
    assert (len(dataset.train), len(dataset.validation)) == (16, 4)
    assert dataset.problems == () and dataset.labels.names == scenes.LABELS
    assert all(images.load(example).shape == (120, 160, 3) for example in dataset.train)
    _, drawn = generation.draw_image(0, 0, (160, 120))
    read = next(example for example in dataset.train if example.id == "000000")
    assert read.boxes == drawn


def test_many_classes_and_boxes(tmp_path):
    assert main([str(tmp_path / "data"), "--images", "12", "--size", "160x120", "--classes", "80", "--boxes", "16"]) == 0
    dataset = open_dataset(tmp_path / "data")
    boxes = [len(example.boxes) for example in (*dataset.train, *dataset.validation)]
    assert max(boxes) > 7 and len(dataset.labels) > 30


@pytest.mark.parametrize(
    ("numbers", "message"), [({"classes": 405}, "1 to 404"), ({"classes": 0}, "1 to 404"), ({"boxes": 0}, "too few")]
)
def test_numbers_that_cannot_be_drawn(numbers, message, tmp_path):
    with pytest.raises(InputError, match=message):
        generation.draw_dataset(tmp_path / "data", **numbers)
    assert not list(tmp_path.iterdir())


def test_same_seed_same_bytes(tmp_path):
    for name, count, seed in (("one", 3, 1), ("two", 3, 1), ("three", 3, 2), ("more", 4, 1)):
        generation.draw_dataset(tmp_path / name, images=count, seed=seed, size=(96, 80))
    one, two, three, more = (files(tmp_path / name) for name in ("one", "two", "three", "more"))
    assert one == two and one != three
    assert {path: data for path, data in one.items() if path.suffix != ".txt"}.items() <= more.items()


def shape(label: str, x: float, y: float, radius: float = 20, angle: float = 0.3) -> scenes.Shape:
    return scenes.Shape(label, x, y, radius, angle, 1.0, (0.0, 0.0, 255.0), (0.0, 0.0, 255.0))


@pytest.mark.parametrize("label", [*scenes.LABELS, "star-3-20", "star-22-96"])
def test_boxes_are_tight(label):
    image, (box,) = scenes.draw(np.zeros((100, 120, 3), np.float32), [shape(label, 60.3, 50.6)])
    rows, columns = np.nonzero(image[:, :, 2] > 127.5)
    assert box == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_ring_is_placed_to_a_fraction_of_a_pixel():
    _, (box,) = scenes.draw(np.zeros((100, 120, 3), np.float32), [shape("ring", 60, 50)])
    assert box == Box(40, 30, 80, 70)


def test_box_is_that_of_the_visible_part():
    below, above = shape("square", 50, 50, 20, np.pi / 4), shape("square", 64, 50, 20, np.pi / 4)
    _, (visible, top) = scenes.draw(np.zeros((100, 120, 3), np.float32), [below, above])
    assert visible.xmin < top.xmin and visible.xmax == top.xmin
    _, (hidden, _) = scenes.draw(np.zeros((100, 120, 3), np.float32), [below, below])
    assert hidden is None
    _, (outside,) = scenes.draw(np.zeros((100, 120, 3), np.float32), [shape("star", -200, 50)])
    assert outside is None


def test_no_shape_is_mostly_hidden():
    """Each keeps at least 0.4 of its area in sight, which its color shows."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        background = np.full((120, 160, 3), 128, np.float32)
        shapes = scenes.random_shapes(rng, background, 9)
        assert shapes
        for index, one in enumerate(shapes):
            colors = [(0.0, 0.0, 0.0)] * len(shapes)
            colors[index] = (255.0, 255.0, 255.0)
            painted = [
                scenes.Shape(item.label, item.x, item.y, item.radius, item.angle, item.stretch, color, color)
                for item, color in zip(shapes, colors)
            ]
            visible = (scenes.draw(np.zeros((120, 160, 3)), painted)[0][:, :, 0] > 127.5).sum()
            away = scenes.Shape(one.label, 100, 100, one.radius, one.angle, one.stretch, (255.0,) * 3, (255.0,) * 3)
            whole = (scenes.draw(np.zeros((200, 200, 3)), [away])[0][:, :, 0] > 127.5).sum()
            assert visible > 0.37 * whole


def test_video(tmp_path):
    generation.draw_video(tmp_path / "demo.mp4", frames=5, size=(160, 120))
    reader = cv2.VideoCapture(str(tmp_path / "demo.mp4"))
    frames = []
    while (read := reader.read())[0]:
        frames.append(read[1])
    assert len(frames) == 5 and frames[0].shape == (120, 160, 3)
    assert np.abs(frames[0].astype(int) - frames[4]).mean() > 1
    assert [path.name for path in tmp_path.iterdir()] == ["demo.mp4"]


def test_command(tmp_path, capsys):
    out = str(tmp_path / "data")
    arguments = [out, "--images", "2", "--seed", "3", "--size", "96x80", "--video", f"{out}.mp4", "--frames", "2"]
    assert exit_code(main, arguments) == 0
    assert exit_code(main, [out]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--images", "1"], ["--size", "20x20"], ["--seed", "-1"]])
def test_arguments_that_cannot_be_drawn(tmp_path, arguments, capsys):
    assert exit_code(main, [str(tmp_path / "data"), *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [[], ["out", "--size", "wide"], ["out", "--images", "x"]])
def test_wrong_usage(arguments):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


def test_video_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="mp4"):
        generation.draw_video(tmp_path / "demo.nonsense", frames=2, size=(96, 80))
    assert not list(tmp_path.iterdir())
