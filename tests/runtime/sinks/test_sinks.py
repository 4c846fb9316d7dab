from __future__ import annotations

import json

import numpy as np
import pytest

from runtime import Box, Detection, Frame, InputError, KitError
from runtime.common import detection_json
from runtime.common.opencv import cv2
from runtime.media import images
from runtime.sinks import json_lines, open_sink
from runtime.sources import Source, open_source

FOUND = (Detection("raccoon", 0, 0.98765, Box(1.006, 2, 30.25, 20)),)


class Fake(Source):
    name = "clip.mp4"
    fps = 4.0

    def __iter__(self):
        return iter(())


def frame(index=0, height=24, width=32, value=100):
    return Frame(np.full((height, width, 3), value, np.uint8), index, index / 4)


def test_a_json_line_is_as_documented():
    assert json.loads(detection_json.line(Frame(None, 3, 1.23456), FOUND)) == {
        "frame": 3,
        "time": 1.235,
        "detections": [{"label": "raccoon", "class": 0, "score": 0.9877, "box": [1.01, 2, 30.25, 20]}],
    }
    assert detection_json.line(Frame(None, 1, file="Straße.jpg"), ()).startswith('{"frame": 1, "file": "Stra')
    assert detection_json.line(Frame(None), ()) == '{"frame": 0, "time": 0.0, "detections": []}'


def test_json_lines_are_whole_as_soon_as_they_are_written(tmp_path):
    path = tmp_path / "new" / "a.jsonl"
    with open_sink(str(path), Fake()) as sink:
        assert not path.parent.exists()
        sink.write(frame(0), FOUND)
        sink.write(frame(1), ())
        assert [json.loads(text)["frame"] for text in path.read_text().splitlines()] == [0, 1]
    assert path.read_text().endswith("\n")


def test_json_on_standard_output(capsys):
    with open_sink("-", Fake()) as sink:
        sink.write(frame(), ())
    assert capsys.readouterr() == ('{"frame": 0, "time": 0.0, "detections": []}\n', "")


def test_a_video(tmp_path):
    path = tmp_path / "a.mp4"
    with open_sink(str(path), Fake()) as sink:
        for index in range(5):
            sink.write(frame(index, 48, 64), FOUND)
    with open_source(str(path)) as source:
        assert (source.size, source.fps, source.frames) == ((64, 48), 4, 5)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(("height", "width", "size"), [(1, 1, (2, 2)), (33, 35, (36, 34)), (100, 9000, (4096, 46))])
def test_a_video_of_any_size(tmp_path, height, width, size):
    path = tmp_path / "a.mp4"
    with open_sink(str(path), Fake()) as sink:
        sink.write(frame(0, height, width), ())
        sink.write(frame(1, 50, 40), ())
    assert open_source(str(path)).size == size


@pytest.mark.parametrize(("name", "kept"), [("a.avi", False), ("a.mkv", False), ("a.mp4", True), ("a.mov", True)])
def test_an_error_leaves_no_video_that_cannot_be_played_and_an_interrupt_keeps_all(tmp_path, name, kept):
    path = tmp_path / name

    def end_with(error):
        with open_sink(str(path), Fake()) as sink:
            sink.write(frame(), ())
            raise error

    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            end_with(error)
        expected = [name] if kept or error is KeyboardInterrupt else []
        assert [file.name for file in tmp_path.iterdir()] == expected
        if expected:
            assert len(list(open_source(str(path)))) == 1


def test_an_mp4_can_be_played_while_it_is_written(tmp_path):
    path = tmp_path / "a.mp4"
    with open_sink(str(path), Fake()) as sink:
        for index in range(21):
            sink.write(frame(index, 48, 64, value=index * 10), ())
        with open_source(str(path)) as source:
            brightness = [found.image.mean() for found in source]
            assert brightness == pytest.approx([index * 10 for index in range(16)], abs=4)
    with open_source(str(path)) as source:
        assert (source.frames, source.fps) == (21, 4)
        assert [found.time for found in source] == pytest.approx([index / 4 for index in range(21)])


def test_frames_of_a_camera_are_shown_for_as_long_as_they_were_apart(tmp_path):
    path = tmp_path / "a.mp4"
    times = [0, 0.25, 0.5, 3.5, 3.75, 3.75, 4.0, 4.25, 4.5, 4.75, 5.0]
    with open_sink(str(path), Camera()) as sink:
        for index, time in enumerate(times):
            sink.write(Frame(frame(index).image, index, 1e9 + time), ())
    shown = [found.time for found in open_source(str(path))]
    times[6:] = [time + 0.25 for time in times[6:]]
    times[5] = 4.0
    assert shown == pytest.approx(times)


STEPS = pytest.mark.parametrize("step", [-1e9, 60.0, 6 * 3600.0, 14 * 3600.0, 1e12])


@STEPS
def test_a_clock_that_is_set_changes_no_times_of_a_video(tmp_path, step):
    path = tmp_path / "a.mp4"
    with open_sink(str(path), Camera()) as sink:
        for index in range(12):
            clock = 1e9 + index / 2 + (step if index > 5 else 0)
            sink.write(Frame(frame(index).image, index, clock, monotonic=100 + index / 2), ())
    assert [found.time for found in open_source(str(path))] == pytest.approx([index / 2 for index in range(12)])


@STEPS
@pytest.mark.parametrize("knows", [True, False])
def test_a_gap_is_cut(tmp_path, step, knows):
    path = tmp_path / "a.mp4"
    with open_sink(str(path), Camera()) as sink:
        for index in range(12):
            at = index / 2 + (step if index > 5 else 0)
            sink.write(Frame(frame(index).image, index, 1e9 + at, monotonic=at if knows else None), ())
    expected = [index / 2 - (0.25 if index > 5 else 0) for index in range(12)]
    assert [found.time for found in open_source(str(path))] == pytest.approx(expected)


def test_nothing_written_creates_nothing(tmp_path):
    for name in ("a.mp4", "a.jsonl", "folder"):
        with open_sink(str(tmp_path / name), Fake()):
            pass
    assert list(tmp_path.iterdir()) == []


class Camera(Fake):
    live = True


def test_a_run_of_a_camera_goes_on_in_the_folder_of_the_one_before(tmp_path):
    folder = tmp_path / "out"
    for _ in range(2):
        with open_sink(str(folder), Camera()) as sink:
            sink.write(frame(0), ())
            sink.write(frame(3), ())
    assert sorted(file.name for file in folder.iterdir()) == [f"clip_00000{number}.jpg" for number in (0, 3, 4, 7)]
    (folder / "clip_1000000.jpg").touch()
    (folder / "other_2000000.jpg").touch()
    (folder / "clip_3000000.jpg.txt").touch()
    with open_sink(str(folder), Camera()) as sink:
        sink.write(frame(0), ())
    assert (folder / "clip_1000001.jpg").stat().st_size


def test_lines_of_a_camera_follow_those_of_the_run_before(tmp_path):
    path = tmp_path / "a.jsonl"
    for source, count in ((Camera(), 1), (Camera(), 2), (Fake(), 1), (Camera(), 2)):
        with open_sink(str(path), source) as sink:
            sink.write(frame(), ())
        assert len(path.read_text().splitlines()) == count
    path.write_bytes(path.read_bytes()[:-5])
    with open_sink(str(path), Camera()) as sink:
        sink.write(frame(7), ())
    lines = path.read_text().splitlines()
    assert len(lines) == 3 and json.loads(lines[2])["frame"] == 7


def test_images_of_a_video(tmp_path):
    with open_sink(str(tmp_path / "out"), Fake()) as sink:
        sink.write(frame(0), FOUND)
        sink.write(frame(12), ())
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["clip_000000.jpg", "clip_000012.jpg"]
    assert images.read(tmp_path / "out" / "clip_000000.jpg").std() > 5
    assert images.read(tmp_path / "out" / "clip_000012.jpg").std() < 1


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "in" / "a.png"
    images.write(path, frame().image)
    return path


def test_one_image_to_one_file(photo, tmp_path):
    with open_source(str(photo)) as source, open_sink(str(tmp_path / "b.jpg"), source) as sink:
        for item in source:
            sink.write(item, FOUND)
    assert images.read(tmp_path / "b.jpg").shape == (24, 32, 3)


def test_an_image_in_a_format_that_cannot_be_written_becomes_a_jpg(photo, tmp_path):
    photo = photo.rename(photo.with_suffix(".pgm"))
    photo.write_bytes(cv2.imencode(".pgm", np.zeros((4, 4), np.uint8))[1].tobytes())
    with open_source(str(photo)) as source, open_sink(str(tmp_path / "out"), source) as sink:
        for item in source:
            sink.write(item, ())
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.pgm.jpg"]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("in", "in", "holds the source"),
        ("in/a.png", "in", "holds the source"),
        ("in/a.png", "in/a.png", "is the source itself"),
        ("in", "x.jpg", "one image cannot hold"),
        ("in/a.png", "in/../in/a.png", "is the source itself"),
        ("in/a.png", "x.tflite", "cannot write such a file; give"),
        ("in", "in/a.png", "one image cannot hold"),
        ("in/a.png", "link.mp4", "is the source itself"),
        ("in/a.png", "dir.json", "is a folder"),
        ("in/a.png", "plain", "is a file"),
    ],
)
def test_targets_that_are_refused_before_anything_runs(photo, tmp_path, source, target, message):
    (tmp_path / "dir.json").mkdir()
    (tmp_path / "link.mp4").symlink_to(photo)
    (tmp_path / "plain").write_text("")
    with pytest.raises(InputError, match=message):
        open_sink(str(tmp_path / target), open_source(str(tmp_path / source)))


def test_a_folder_is_a_folder_whatever_its_name(photo, tmp_path):
    (tmp_path / "clips.mp4").mkdir()
    with open_source(str(photo)) as source, open_sink(str(tmp_path / "clips.mp4"), source) as sink:
        for item in source:
            sink.write(item, ())
    assert [file.name for file in (tmp_path / "clips.mp4").iterdir()] == ["a.png"]


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("file/a.mp4", "file/a.jsonl", "file/folder"):
        with pytest.raises(KitError, match="cannot be written"), open_sink(str(tmp_path / name), Fake()) as sink:
            sink.write(frame(), ())


def test_the_console(capsys):
    with open_sink("console", Fake()) as sink:
        sink.write(frame(0), FOUND)
        sink.write(frame(1), ())
    assert capsys.readouterr().out.splitlines() == [
        "clip_000000.jpg: raccoon 0.99 at 1,2-30,20",
        "clip_000001.jpg: nothing found",
    ]
