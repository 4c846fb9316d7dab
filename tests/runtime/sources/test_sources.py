from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runtime import InputError, KitError
from runtime.common.opencv import cv2
from runtime.common.values import Box, Detection, Labels
from runtime.media import images
from runtime.sinks import open_sink
from runtime.sources import open_source, v4l2
from runtime.telemetry.state import State


def image(value, height=24, width=32):
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (32, 24))
    for value in (0, 60, 120, 180, 240):
        writer.write(image(value))
    writer.release()
    return path


def test_an_image(tmp_path):
    path = tmp_path / "a.png"
    images.write(path, image(7))
    with open_source(str(path)) as source:
        assert (source.name, source.path, source.size, source.frames, source.fps) == ("a.png", path, (32, 24), 1, None)
        (frame,) = source
        assert (frame.index, frame.time, frame.color) == (0, 0.0, "BGR")
        assert np.array_equal(frame.image, image(7))
        assert source.file_name(0) == "a.png"


def test_a_folder_in_the_order_of_names(tmp_path):
    for name, value in (("b.png", 2), ("a.bmp", 1), (".hidden.png", 9)):
        images.write(tmp_path / name, image(value))
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "more.png").mkdir()
    with open_source(str(tmp_path)) as source:
        assert source.frames == 2
        frames = list(source)
    assert [(frame.index, frame.time, frame.image[0, 0, 0]) for frame in frames] == [(0, 0.0, 1), (1, 1.0, 2)]
    assert source.file_name(1) == "b.png"


def test_a_bad_image_among_good_ones_is_told_and_skipped(tmp_path, capfd):
    images.write(tmp_path / "a.png", image(1))
    (tmp_path / "b.png").write_bytes(b"no image")
    images.write(tmp_path / "c.png", image(3))
    source = open_source(str(tmp_path))
    assert [frame.index for frame in source] == [0, 2]
    assert source.skipped == 1
    out, err = capfd.readouterr()
    assert out == "" and err.splitlines() == [f"skipped: {tmp_path / 'b.png'}: not an image, or a damaged one"]


def test_frames_of_files_have_their_names_and_what_is_not_read_is_told(tmp_path, capsys):
    images.write(tmp_path / "in" / "b.png", image(2))
    images.write(tmp_path / "in" / "a.png", image(1))
    (tmp_path / "in" / "notes.txt").write_text("")
    with open_source(str(tmp_path / "in")) as source:
        assert [frame.file for frame in source] == ["a.png", "b.png"]
    assert capsys.readouterr().err == ""
    with open_source(str(tmp_path / "in" / "a.png")) as source:
        assert [frame.file for frame in source] == ["a.png"]
    for name in ("1.HEIC", "2.heic", "3.avif"):
        (tmp_path / "in" / name).write_text("")
    (tmp_path / "in" / "more").mkdir()
    open_source(str(tmp_path / "in"))
    told = "1 .avif and 2 .heic and the subfolder more; convert the files to .jpg or .png"
    assert capsys.readouterr().err == f"skipped: {tmp_path / 'in'}: {told}\n"


def test_a_folder_of_bad_images_only(tmp_path):
    (tmp_path / "b.png").write_bytes(b"no image")
    source = open_source(str(tmp_path))
    with pytest.raises(InputError, match="none of its 1 images"):
        list(source)


def test_a_folder_without_images(tmp_path):
    with pytest.raises(InputError, match="the folder is empty"):
        open_source(str(tmp_path))
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InputError, match="none of its 1 entries is an image"):
        open_source(str(tmp_path))


def test_a_video(video):
    with open_source(str(video)) as source:
        assert (source.size, source.fps, source.frames) == ((32, 24), 5, 5)
        frames = list(source)
        assert source.file_name(3) == "clip_000003.jpg"
        assert [frame.index for frame in source] == [0, 1, 2, 3, 4], "a second pass begins again"
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert [frame.image.mean() for frame in frames] == pytest.approx([0, 60, 120, 180, 240], abs=3)


def test_a_videos_first_frames_and_times(shared):
    with open_source(str(shared / "video/one-by-one-person-detection.mp4")) as source:
        assert (source.size, source.fps, source.frames) == ((768, 432), 10, 1394)
        times = [frame.time for frame, _ in zip(source, range(4))]
    assert times == pytest.approx([0, 0.1, 0.2, 0.3])


def test_a_cut_video_says_so_at_its_end(shared, tmp_path, capfd):
    path = tmp_path / "cut.mp4"
    path.write_bytes((shared / "video/one-by-one-person-detection.mp4").read_bytes()[:60_000])
    assert 0 < len(list(open_source(str(path)))) < 1000
    out, err = capfd.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert "of 1394 frames; it may be cut short" in err


@pytest.mark.parametrize(("name", "data"), [("a.mp4", b"no video" * 99), ("a.mp4", b""), ("a.png", b"text"), ("a.jpg", b"")])
def test_files_that_are_not_what_they_are_called(tmp_path, name, data, capfd):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=name):
        open_source(str(path))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["none", "none.mp4", "none.png", "none.txt", "no/folder"])
def test_missing_sources(tmp_path, name):
    with pytest.raises(InputError, match="no such file"):
        open_source(str(tmp_path / name))


@pytest.mark.parametrize("error", [OSError(19, "No such device"), cv2.error("a driver's own words")])
def test_what_a_device_raises_when_it_is_opened_names_it(monkeypatch, error):
    def connect(spec):
        raise error

    monkeypatch.setattr(v4l2, "connect", connect)
    with pytest.raises(KitError, match=f"^0: cannot be opened: .*{error.args[-1]}; see"):
        open_source("0")


def test_unknown_sources(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("x")
    with pytest.raises(InputError, match=r"not a source; give a folder of images or .* or an image .* or a video"):
        open_source(str(path))
    with pytest.raises(InputError, match="not a source"):
        open_source("gopher://camera")


def test_a_source_is_added_by_adding_a_file(tmp_path, monkeypatch):
    import runtime.sources

    (tmp_path / "counter.py").write_text(
        "KIND = 'a counter'\n"
        "def accepts(spec): return spec.startswith('count:')\n"
        "def connect(spec): return spec\n"
    )
    monkeypatch.setattr(runtime.sources, "__path__", [*runtime.sources.__path__, str(tmp_path)])
    assert open_source("count:3") == "count:3"


def test_what_looks_like_a_kind_of_source_is_answered_with_the_kinds_that_there_are():
    with pytest.raises(InputError, match=r"^countr:,frames=3: not a source; give .*a video"):
        open_source("countr:,frames=3")
    with pytest.raises(InputError, match="no such file or folder"):
        open_source("C:/clip")


@pytest.mark.parametrize("spec", ["console", "{out}/annotated", "crops:{out}/crops", "collect:{out}/kept,every=1"])
def test_a_folder_that_is_read_again_gives_its_results_the_names_of_its_files(tmp_path, spec):
    (tmp_path / "images").mkdir()
    for name in ("a.png", "c.png"):
        images.write(tmp_path / "images" / name, image(1))
    (tmp_path / "images" / "b.png").write_bytes(b"no image")
    source = open_source(str(tmp_path / "images"))
    found = (Detection("thing", 0, 0.9, Box(2, 2, 30, 20)),)
    with open_sink(spec.format(out=tmp_path), source) as sink:
        sink.attach(State(labels=Labels(("thing",))))
        # As with --loop: numbers go on.
        for index, frame in enumerate([*source, *source]):
            sink.write(replace(frame, index=index), found)
    written = {path.stem.split("_")[0] for path in tmp_path.rglob("*") if path.is_file() and "images" not in path.parts}
    assert written <= {"a", "c"}
