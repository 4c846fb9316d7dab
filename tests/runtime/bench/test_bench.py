from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import numpy as np
import pytest

from runtime import Detector, Frame, InputError, KitError
from runtime.bench import __main__ as bench
from runtime.bench import baselines, cold_start, interleaving, percentiles
from runtime.bench.stages import Stages
from runtime.boxes.tiles import Tiles, advice
from runtime.common.command import exit_code
from runtime.inference.engines import Request
from runtime.inference.process.engine import EngineProcess
from runtime.media import images
from runtime.model import trained_tiles
from runtime.pipeline import loop
from tests.support import tiny_detector
from tests.support.reader_environment import MEDIAPIPE, environment
from tests.support.shadowing import plant

# Only Linux tells the time of the engine's process.
PROCESSOR_TIME = ["processor time"] if sys.platform == "linux" else []


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build(signature={f"output_{3 - role}": role for role in range(4)}))
    return path


def test_an_aligned_table_and_what_it_is_compared_with(path, capsys):
    other = path.with_name("other.tflite")
    other.write_bytes(path.read_bytes())
    assert bench.main([str(path), "--frames", "12", "--threads", "1", "--baseline", str(other)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{path}: 12 frames, cpu, ") and lines[0].endswith(", 1 thread")
    assert [line.split("  ")[0] for line in lines[1:8]] == [
        "ms a frame", "preprocess", "invoke", "postprocess", "total", "bare invoke", "other.tflite",
    ]
    assert len({len(line) for line in lines[1:8]}) == 1
    assert [line.partition(":")[0] for line in lines[8:]] == [
        "one frame", "the loop", *PROCESSOR_TIME, "the command", "baseline other.tflite", "in brackets",
    ]


def test_one_object(path, capsys):
    assert bench.main([str(path), "--frames", "12", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 12 and report["engine"] == "cpu" and report["against"] == {}
    assert min(report[name] for name in ("ratio", "loop_fps", "bare_fps", "loop_ratio", "load_ms", "first_ms")) > 0
    for name in ("ratio", "loop_ratio"):
        low, high = report[f"{name}_spread"]
        assert low <= report[name] <= high
    assert set(report["stages"]["invoke"]) == {"mean", "p50", "p95", "p99"}
    assert report["trial"]["first_s"] > 0
    assert set(report["core_ms"] or ()) == ({"model", "decoding", "other"} if PROCESSOR_TIME else set())
    if sys.platform == "linux":
        assert report["trial"]["processes"] == 2 and report["trial"]["memory_mb"] > 20


def test_tiles_are_those_of_the_file_its_baseline_and_the_command(path, monkeypatch):
    measured, seen, detect = [], set(), Stages.detect

    def watched(stages, detector, frame):
        seen.add((detector.path, str(detector.tiles)))
        return detect(stages, detector, frame)

    monkeypatch.setattr(bench.Stages, "detect", watched)
    monkeypatch.setattr(cold_start, "measure", lambda words: measured.append(words) or cold_start.ColdStart(1.0, 0.0, 0))
    other = path.with_name("other.tflite")
    other.write_bytes(path.read_bytes())
    report = bench.bench(str(path), frames=1, request=Request(threads=1), baselines=[str(other)], tiles=Tiles(2, 2))
    assert (report.as_dict()["tiles"], report.as_dict()["runs"]) == ("2x2", 5)
    assert str(report).splitlines()[0].endswith(", 1 thread, tiles 2x2: 5 runs of the model a frame")
    assert seen == {(str(path), "2x2"), (str(other), "2x2")} and measured[0][-2:] == ["--tiles", "2x2"]
    with pytest.raises(InputError, match="mediapipe: looks at whole images only; leave out --tiles 2x2"):
        baselines.open_baseline("mediapipe", str(path), "python", Request(), [], 60, Tiles(2, 2))


def test_the_model_alone_runs_as_often_as_for_a_frame(path):
    with EngineProcess(path) as process:
        process.wait_until_ready()
        asked, invoke = [], process.bare_invoke
        process.bare_invoke = lambda count=1: asked.append(count) or invoke(count)
        assert len(bench._bare_frames(process, 5)(3)) == 3 and asked == [5, 5, 5]
        assert len(bench._bare_frames(process, 1)(3)) == 3 and asked[3:] == [3]


def test_what_was_trained_on_tiles_says_so(path, capsys, monkeypatch):
    monkeypatch.setattr(cold_start, "measure", lambda words: cold_start.ColdStart(1.0, 0.0, 0))
    monkeypatch.setattr(trained_tiles, "find", lambda model: Tiles(2, 1))
    assert bench.main([str(path), "--frames", "1"]) == 0
    assert f"note: {path}: trained on tiles 2x1; give --tiles 2x1\n" in capsys.readouterr().err
    assert not advice("a", Tiles(2, 1), Tiles(2, 1)) and not advice("a", None, Tiles(2, 1))
    assert advice("a", Tiles(2, 1), Tiles(3, 1)).endswith("give --tiles 2x1 instead of 3x1")


def test_the_loop_plays_the_source_itself_and_goes_on_where_it_was(path, tmp_path, monkeypatch):
    for index in range(9):
        images.write(str(tmp_path / f"{index}.png"), np.full((8, 8, 3), 20 * index, np.uint8))
    seen = []
    run = loop.run

    def watched(detector, source, sinks, *, frames, filters):
        def note(frame, found):
            seen.append((frame.index, int(frame.image[0, 0, 0])))
            return found

        return run(detector, source, sinks, frames=frames, filters=[*filters, note])

    monkeypatch.setattr(bench.loop, "run", watched)
    with contextlib.closing(bench._Played(str(tmp_path), [])) as played, EngineProcess(path) as process:
        process.wait_until_ready()
        detector = Detector(path, runner=process)
        spans = [bench._loop_round(detector, process, played, 2) for _ in range(2)]
        frames = 2 + 2 * bench.FILLING
        assert seen == [(index, 20 * (index % 9)) for index in range(2 * frames)]
        assert played.reading > 0 and played.alone(3) > 0
        assert next(iter(played)).index == 2 * frames + 3
    assert [one.frames for one in spans] == [2, 2] and min(one.milliseconds for one in spans) > 0


def test_means_and_percentiles():
    report = percentiles.Times.of([1.0, 2.0, 3.0, 4.0])
    assert (report.mean, report.p50) == (2.5, 2.5) and report.p99 == pytest.approx(3.97)


def test_batches_are_compared_with_their_neighbors():
    """A machine that becomes slower all the time slows down both sides alike."""
    done, clock = [], [0.0]

    def thing(name, factor):
        def measure(count):
            done.append((name, count))
            clock[0] += 1
            return [factor * 1.1 ** clock[0]] * count

        return measure

    means = interleaving.rounds({"a": thing("a", 1.0), "b": thing("b", 2.0)}, 9, 2)
    assert done[:4] == [("a", 2), ("b", 2), ("b", 2), ("a", 2)] and done[-1] == ("b", 1)
    ratio = interleaving.Ratio.of(means["b"], means["a"])
    assert ratio.low <= ratio.median <= ratio.high
    assert ratio.low == pytest.approx(2 / 1.1) and ratio.high == pytest.approx(2 * 1.1)


def test_the_old_name_of_baseline(path, capsys):
    words = [str(path), "--frames", "1", "--against", str(path.with_name("none.tflite"))]
    assert exit_code(bench.main, words) == 2
    assert capsys.readouterr().err.startswith("note: --against is called --baseline now")


def test_mediapipe_on_the_same_file(shared):
    python = environment("mediapipe", MEDIAPIPE)
    model = shared / "models/coco_ssd_mobilenet_v1_quant.tflite"
    image = Frame(np.zeros((40, 60, 3), np.uint8))
    with baselines.open_baseline("mediapipe", str(model), str(python), Request(), [image], 60) as baseline:
        assert baseline.name.startswith("mediapipe ")
        assert len(baseline.times(3)) == 3 and min(baseline.times(1)) > 0


@pytest.mark.parametrize(
    ("python", "message"),
    [("", "needs an environment with MediaPipe: python3 -m venv"), ("/no/python", "/no/python: cannot be run: No such file")],
)
def test_mediapipe_that_is_not_there(path, python, message, capsys):
    words = ["--mediapipe-python", python] if python else []
    assert exit_code(bench.main, [str(path), "--frames", "1", "--baseline", "mediapipe", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and "--mediapipe-python mp/bin/python" in error and len(error.splitlines()) == 1


def test_a_python_without_mediapipe(path, tmp_path):
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -S -c 'import mediapipe'\n")
    script.chmod(0o755)
    with pytest.raises(InputError, match="No module named 'mediapipe'; python3 -m venv"):
        baselines.MediaPipe(str(path), str(script), [])
    script.write_text("#!/bin/sh\necho ValueError: no metadata >&2\n")
    with pytest.raises(KitError, match="mediapipe: ValueError: no metadata"):
        baselines.MediaPipe(str(path), str(script), [])


def test_a_baseline_that_is_no_detector(path, capsys):
    words = [str(path), "--frames", "1", "--baseline", str(path.with_name("none.tflite"))]
    assert exit_code(bench.main, words) == 2
    assert capsys.readouterr().err.endswith("none.tflite: no such file\n")


def test_memory_is_that_of_a_process_and_those_under_it():
    if sys.platform != "linux":
        pytest.skip("only Linux says what is resident, in /proc")
    # In a process of its own: this one gives memory back, and ends processes, of the tests before.
    program = (
        "import os, numpy as np; from runtime.bench import cold_start\n"
        "before, _ = cold_start.resident(os.getpid()); block = np.ones(50 << 20, np.uint8)\n"
        "after, count = cold_start.resident(os.getpid()); assert block[0]; print(after - before, count)"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert 45 < float(shown[0]) < 60 and int(shown[1]) == 1


def test_a_command_that_fails(path, tmp_path, monkeypatch):
    # Where files have the kit's names, it is still the kit's command.
    monkeypatch.chdir(plant(tmp_path / "shadowed"))
    with pytest.raises(KitError, match=r"python -m runtime .*: error: none\.png: no such file"):
        cold_start.measure([str(path), "--source", "none.png", "--json", "-"])


def test_files_of_one_name_are_told_apart(path, tmp_path, capsys):
    """Those of several runs are all called alike."""
    others = [tmp_path / run / path.name for run in ("one", "two")]
    for other in others:
        other.parent.mkdir()
        other.write_bytes(path.read_bytes())
    words = [word for other in others for word in ("--baseline", str(other))]
    assert bench.main([str(path), "--frames", "4", "--threads", "1", *words]) == 0
    shown = capsys.readouterr().out
    assert all(f"baseline {other}" in shown for other in others)
