from __future__ import annotations

import argparse
import contextlib
import urllib.request

import numpy as np
import pytest

from runtime import Detector, Frame, InputError
from runtime.common.opencv import cv2
from runtime.common.values import Labels
from runtime.filters import track
from runtime.frames.masks import Blackout, Mask, mask
from runtime.pipeline import loop
from runtime.pipeline.loop import Settings
from runtime.sinks import open_sink
from runtime.sources import Source
from tests.support import tiny_detector
from tests.support.ports import free_port


@pytest.mark.parametrize(
    ("text", "pixels"), [("0,0,0.5,0,0.5,0.5,0,0.5", False), ("10,10,20,10,20,20", True), ("0,0,1,0,0,1", False)]
)
def test_a_mask_is_pixels_where_a_value_is_over_1(text, pixels):
    read = mask(text)
    assert read.pixels is pixels and str(read) == text


@pytest.mark.parametrize(
    "text", ["", "0,0,1,1", "0,0,1,0,1", "0,0,1,0,one,1", "0,0,-1,0,1,1", "0,0,nan,0,1,1", "0.2,0,0.2,0.5,0.2,1"]
)
def test_what_is_no_polygon_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        mask(text)


def test_masked_parts_are_black_and_the_rest_is_as_it_was():
    image = np.full((40, 80, 3), 200, np.uint8)
    blackout = Blackout([mask("0,0,0.5,0,0.5,0.5,0,0.5"), mask("0.25,0.25,1,0.25,1,1,0.25,1")])
    found = blackout(Frame(image)).image
    assert not found[:20, :40].any() and not found[10:, 20:].any()
    assert (found[21:, :20] == 200).all() and (found[:10, 41:] == 200).all()


def test_what_a_mask_encloses_twice_is_black_too():
    star, bow = "0.5,0.05,0.8,0.95,0.05,0.35,0.95,0.35,0.2,0.95", "0,0,1,1,1,0,0,1"
    image = Blackout([mask(star)])(Frame(np.full((100, 100, 3), 9, np.uint8))).image
    assert not image[40:60, 40:60].any() and not image[36:40, 20:80].any() and (image[5, :40] == 9).all()
    image = Blackout([mask(bow)])(Frame(np.full((100, 100, 3), 9, np.uint8))).image
    assert not image[50, :20].any() and not image[50, 80:].any() and (image[0, 10:90] == 9).all()


def test_a_mask_in_pixels_keeps_its_place_where_a_camera_gives_other_sizes(capsys):
    blackout = Blackout([mask("20,10,40,10,40,20,20,20")], one_camera=True)
    for scale in (1, 2, 0.25):
        height, width = round(40 * scale), round(80 * scale)
        image = blackout(Frame(np.full((height, width, 3), 9, np.uint8))).image
        black = np.argwhere(image[..., 0] == 0)
        assert black.min(axis=0).tolist() == pytest.approx([10 * scale, 20 * scale], abs=1)
        assert black.max(axis=0).tolist() == pytest.approx([20 * scale, 40 * scale], abs=1)
    assert not capsys.readouterr().err


def test_a_mask_in_pixels_says_where_the_size_of_the_image_changes(capsys):
    blackout = Blackout([mask("10,10,30,10,30,20,10,20"), mask("0,0,0.5,0,0.5,0.5,0,0.5")])
    for height in (40, 40, 80, 80, 40, 80):
        blackout(Frame(np.full((height, 80, 3), 9, np.uint8)))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "--mask 10,10," in said[0] and "80 x 80 now, not 80 x 40" in said[0]


def test_a_frame_of_another_size_has_its_mask_at_the_same_place():
    blackout = Blackout([mask("0.5,0.5,1,0.5,1,1,0.5,1")])
    for height, width in ((40, 80), (100, 60)):
        found = blackout(Frame(np.full((height, width, 3), 9, np.uint8))).image
        assert not found[height // 2 :, width // 2 :].any() and (found[: height // 2 - 1] == 9).all()


def test_an_image_that_may_not_be_changed_is_copied():
    image = np.full((8, 8, 3), 9, np.uint8)
    image.flags.writeable = False
    turned = np.full((8, 3, 8), 9, np.uint8).transpose(0, 2, 1)
    for given in (image, turned):
        found = Blackout([mask("0,0,1,0,1,1,0,1")])(Frame(given, index=3))
        assert not found.image.any() and found.index == 3
    assert (image == 9).all()


def test_a_mask_beside_the_image_is_refused_since_it_would_hide_nothing():
    with pytest.raises(InputError, match="lies outside the image, which is 64 x 48"):
        Blackout([Mask(((100.0, 0.0), (120.0, 0.0), (120.0, 40.0)), pixels=True)])(Frame(np.zeros((48, 64, 3), np.uint8)))


class Door(Source):
    """Four seconds of a grey scene whose left half is red; asks the page for its newest image near the end."""

    name, path, fps, frames = "door", None, 10.0, 40

    def __init__(self, port):
        self._port = port
        self.seen = []

    def __iter__(self):
        image = np.full((120, 160, 3), 120, np.uint8)
        image[:, :80] = (0, 0, 255)
        for index in range(self.frames):
            if index == self.frames - 2:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/snapshot.jpg", timeout=30) as answer:
                    self.seen = [cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_COLOR)]
            yield Frame(image.copy(), index, index / 10)

    def file_name(self, index):
        return f"door_{index:03d}.jpg"


def outputs(folder, masks):
    """The images of each output of a run of `Door`, by output."""
    model = folder / "tiny.tflite"
    model.write_bytes(tiny_detector.build(signature={"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}))
    detector, source = Detector(model, score=0.4), Door(port := free_port())
    tracker = track.connect(argparse.Namespace(track=True, track_lost=1.0, events=None), Labels(()))
    specs = (
        f"{folder}/film.mp4", f"{folder}/stills/", f"crops:{folder}/crops", f"collect:{folder}/kept,every=1",
        f"events:{folder}/events,least=0.5,before=1,after=1", f"sheet:{folder}/sheet.jpg", f"serve:{port}",
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(open_sink(spec, source)) for spec in specs]
        loop.run(detector, source, sinks, filters=[tracker], settings=Settings(masks=masks))
    found = {"page": source.seen}
    for name in ("stills", "crops", "kept", "events", "film.mp4", "sheet.jpg"):
        place = folder / name
        files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
        found[name] = [image for file in files if file.suffix in (".jpg", ".png", ".mp4", ".webm") for image in shown(file)]
    return found


def shown(file):
    if file.suffix in (".jpg", ".png"):
        return [cv2.imread(str(file))]
    video = cv2.VideoCapture(str(file))
    frames = (video.read() for _ in range(100))
    return [frame for is_read, frame in frames if is_read]


def red(image):
    """The share of red pixels."""
    blue, green, most = (image[..., channel].astype(int) for channel in range(3))
    return float(np.mean((most > 150) & (most - green > 100) & (most - blue > 100)))


def test_what_is_masked_is_in_no_output_and_without_a_mask_in_each(tmp_path):
    for name, masks, is_in in (("open", (), True), ("masked", (mask("0,0,0.52,0,0.52,1,0,1"),), False)):
        (tmp_path / name).mkdir()
        found = outputs(tmp_path / name, masks)
        assert all(found.values()), {output: len(images) for output, images in found.items()}
        for output, images in found.items():
            # Boxes that are drawn have colours of their own.
            assert (max(map(red, images)) > 0.1) is is_in, output
