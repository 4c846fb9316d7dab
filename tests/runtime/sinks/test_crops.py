from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runtime import Box, Detection, Frame, InputError
from runtime.media import images
from runtime.sinks import crops, open_sink
from runtime.sources import Source
from runtime.telemetry.state import State


class Clip(Source):
    name = "clip.mp4"

    def __iter__(self):
        return iter(())


class Camera(Clip):
    live = True


def frame(index=0, time=0.0, color="BGR"):
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:60, 40:120] = (250, 100, 10)
    return Frame(image, index, time, color)


def cat(box=Box(40, 20, 120, 60), track=None, label="cat"):
    return Detection(label, 0, 0.9, box, track)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def sink(folder, source=None, **settings):
    spec = ",".join([f"crops:{folder}", *(f"{key}={value}" for key, value in settings.items())])
    made = open_sink(spec, source or Clip())
    made.attach(State())
    return made


def test_objects_are_cut_out_of_their_frames(tmp_path):
    with sink(tmp_path / "out", margin=0) as out:
        out.write(frame(3), (cat(), cat(Box(0, 0, 30, 15), label="traffic light/red")))
        out.write(frame(4), ())
    assert files(tmp_path / "out") == ["cat/clip_000003_0.jpg", "traffic_light_red/clip_000003_1.jpg"]
    image = images.read(tmp_path / "out/cat/clip_000003_0.jpg")
    assert image.shape == (40, 80, 3) and np.allclose(image.mean((0, 1)), (250, 100, 10), atol=3)


def test_colours_of_a_source_in_rgb(tmp_path):
    with sink(tmp_path, margin=0) as out:
        out.write(frame(color="RGB"), (cat(),))
    assert np.allclose(images.read(tmp_path / "cat/clip_000000_0.jpg").mean((0, 1)), (10, 100, 250), atol=3)


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        (Box(40, 20, 120, 60), 0.1, (32, 16, 128, 64)),
        (Box(40.2, 20.7, 119.5, 59.1), 0.0, (40, 20, 120, 60)),
        (Box(0, 0, 200, 100), 0.5, (0, 0, 200, 100)),
        (Box(190, 90, 200, 100), 1.0, (180, 80, 200, 100)),
        (Box(50, 50, 50, 50), 0.1, (50, 50, 50, 50)),
    ],
)
def test_the_margin_stays_in_the_image(box, margin, expected):
    assert crops.grown(box, margin, 200, 100) == expected


def test_a_live_source_names_them_by_time(tmp_path):
    with sink(tmp_path, Camera()) as out:
        assert out.lossless is False
        out.write(frame(0, 1764022499.1234), (cat(track=7),))
    assert files(tmp_path) == ["cat/20251124T221459.123Z_7.jpg"]


def test_tiny_objects_are_not_written(tmp_path):
    with sink(tmp_path) as out:
        out.write(frame(), (cat(Box(0, 0, 3, 90)),))
    assert files(tmp_path) == []


def test_one_in_so_many_seconds_of_each_class_or_object(tmp_path):
    with sink(tmp_path / "a", every=1) as out:
        for index in range(5):
            out.write(frame(index, index * 0.5), (cat(), cat()))
    assert files(tmp_path / "a") == [f"cat/clip_00000{index}_{place}.jpg" for index in (0, 2, 4) for place in (0, 1)]
    with sink(tmp_path / "b", every=1) as out:
        out.write(frame(0, 5.0), (cat(track=1),))
        out.write(frame(1, 5.5), (cat(track=1), cat(track=2)))
        out.write(frame(2, 0.0), (cat(track=1),))
    assert files(tmp_path / "b") == [f"cat/clip_00000{name}.jpg" for name in ("0_1", "1_2", "2_1")]


def test_seconds_between_crops_are_not_those_of_a_clock_that_is_set(tmp_path):
    with sink(tmp_path, every=1) as out:
        for index, (time, monotonic) in enumerate([(9e8, 5.0), (9e8 + 50400, 5.5), (9e8 - 50400, 5.9), (9e8, 6.0)]):
            out.write(replace(frame(index, time), monotonic=monotonic), (cat(),))
    assert files(tmp_path) == [f"cat/clip_00000{index}_0.jpg" for index in (0, 3)]


def test_a_full_folder_is_told_once_counted_and_filled_again_when_there_is_room(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(crops, "RECHECK_SECONDS", 0.0)
    out = open_sink(f"crops:{tmp_path},limit=3", Clip())
    state = State()
    out.attach(state)
    for index in range(5):
        out.write(frame(index), (cat(),))
    assert files(tmp_path) == [f"cat/clip_00000{index}_0.jpg" for index in range(3)]
    assert state.snapshot()["dropped"]["sinks"] == {"crops": 2}
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and f"warning: {tmp_path}: holds 3 files" in errors
    (tmp_path / "cat/clip_000001_0.jpg").unlink()
    out.write(frame(9), (cat(),))
    assert len(files(tmp_path)) == 3 and "cat/clip_000009_0.jpg" in files(tmp_path)


def test_existing_files_count(tmp_path):
    images.write(tmp_path / "cat/old.jpg", np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "notes.txt").write_text("")
    with sink(tmp_path, limit=1) as out:
        out.write(frame(), (cat(),))
    assert files(tmp_path) == ["cat/old.jpg", "notes.txt"]


@pytest.mark.parametrize(("name", "message"), [("file", "is no folder"), ("", "is no folder"), ("in", "holds the source")])
def test_folders_that_are_refused(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "in").mkdir()
    source = Clip()
    source.path = tmp_path / "in"
    with pytest.raises(InputError, match=message):
        open_sink(f"crops:{name}", source)
