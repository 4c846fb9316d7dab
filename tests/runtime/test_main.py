"""The command in its own process: exit codes and output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runtime.media import images
from tests.support import mjpeg_server, tiny_detector
from tests.support.paths import ROOT

EXPORTER = {"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}


def command(*arguments, module="runtime", cwd=None):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env=environment, timeout=120,
    )


@pytest.fixture
def place(tmp_path):
    """A folder with a tiny detector, a valid image and several invalid files."""
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    (tmp_path / "classifier.tflite").write_bytes(tiny_detector.build([("probs", np.zeros((1, 5), np.float32))]))
    (tmp_path / "text.tflite").write_text("not a model")
    image = np.random.default_rng(0).integers(0, 256, (40, 80, 3), np.uint8)
    images.write(tmp_path / "in" / "a.jpg", image)
    data = (tmp_path / "in" / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_an_image_to_json_video_and_folder(place):
    done = command(
        "tiny.tflite", "--source", "in/a.jpg", "--json", "-", "--out", "a.mp4", "--out", "out", cwd=place
    )
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert (found["frame"], found["time"]) == (0, 0.0)
    assert found["detections"][0] == {"label": "class 1", "class": 1, "score": 0.9, "box": [16, 4, 48, 20]}
    assert list(found["detections"][0]) == ["label", "class", "score", "box"]
    errors = done.stderr.splitlines()
    assert errors[0].startswith("engine: cpu, ")
    assert errors[1].startswith("warning: tiny.tflite: no class names")
    assert errors[2].startswith("1 frame, 2 detections; ") and errors[3:] == ["written: a.mp4, out"]
    assert (place / "a.mp4").stat().st_size > 0
    assert [file.name for file in (place / "out").iterdir()] == ["a.jpg"]


def test_without_an_output_option_it_prints_readable_lines(place):
    (place / "names.txt").write_text("cat\ndog\n")
    done = command("tiny.tflite", "--source", "in", "--labels", "names.txt", "--score", "0.8", cwd=place)
    assert done.stdout == "a.jpg: dog 0.90 at 16,4-48,20\n"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        ((), [1, 2]),
        (("--all-labels",), [1, 0, 2]),
        (("--agnostic", "0.1"), [1]),
        (("--all-labels", "--agnostic"), [1, 2]),
    ],
)
def test_what_is_given_of_boxes_that_overlap(place, options, classes):
    # Twice the very same box, and one that shares a quarter of it.
    boxes = np.array([[[0.1, 0.2, 0.5, 0.6], [0.1, 0.2, 0.5, 0.6], [0.1, 0.2, 0.2, 0.6]]], np.float32)
    model = tiny_detector.build([("a", boxes), *tiny_detector.OUTPUTS[1:]], signature=EXPORTER)
    (place / "equal.tflite").write_bytes(model)
    done = command(
        "equal.tflite", "--source", "in/a.jpg", "--score", "0", "--json", "-", "--watchdog", "0", *options, cwd=place
    )
    assert [item["class"] for item in json.loads(done.stdout)["detections"]] == classes


def test_a_folder_with_a_bad_image(place):
    (place / "in" / "b.jpg").write_bytes(b"x")
    done = command("tiny.tflite", "--source", "in", "--json", "found.jsonl", cwd=place)
    assert done.returncode == 0
    assert len((place / "found.jsonl").read_text().splitlines()) == 1
    assert f"skipped: {Path('in') / 'b.jpg'}: not an image" in done.stderr
    assert "1 frame, 2 detections, 1 skipped" in done.stderr


@pytest.mark.parametrize(
    ("model", "source", "message"),
    [
        ("tiny.tflite", "cut.jpg", "cut.jpg: the image is cut short"),
        ("tiny.tflite", "text.jpg", "text.jpg: not an image"),
        ("tiny.tflite", "text.mp4", "text.mp4: cannot be opened as a video"),
        ("tiny.tflite", "none.mp4", "none.mp4: no such file"),
        ("tiny.tflite", "empty", "empty: the folder is empty"),
        ("tiny.tflite", "text.tflite", "text.tflite: not a source"),
        ("text.tflite", "in/a.jpg", "text.tflite: not a .tflite file"),
        ("none.tflite", "in/a.jpg", "none.tflite: no such file"),
        ("classifier.tflite", "in/a.jpg", "not a detector: its outputs are probs [1, 5]"),
    ],
)
def test_bad_input_is_one_line_exit_2_and_nothing_written(place, model, source, message):
    before = sorted(place.rglob("*"))
    done = command(
        model, "--source", source, "--json", "x.jsonl", "--out", "x.mp4", "--out", "x", "--labels", labels(place), cwd=place
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert sorted(place.rglob("*")) == before


def labels(place):
    # Outside the folder that is compared.
    path = place.parent / f"{place.name}.txt"
    path.write_text("cat\n")
    return path


@pytest.mark.parametrize(
    "options",
    [
        ["--score", "2"],
        ["--threads", "0"],
        ["--frames", "-1"],
        ["--labels", "none.txt"],
        ["--out", "in/a.jpg"],
        ["--json", "-", "--out", "-"],
    ],
)
def test_wrong_options_are_exit_2(place, options):
    from runtime.__main__ import main
    from runtime.common.command import exit_code

    before = sorted(place.rglob("*"))
    arguments = [str(place / "tiny.tflite"), "--source", str(place / "in" / "a.jpg")]
    arguments += [str(place / option) if "." in option else option for option in options]
    try:
        code = exit_code(main, arguments)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert sorted(place.rglob("*")) == before


def test_bench_on_bad_input(place):
    done = command("none.tflite", module="runtime.bench", cwd=place)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: none.tflite: no such file\n")


@pytest.mark.parametrize("source", ["images/cat.bmp", "images", "video/one-by-one-person-detection.mp4", "stream"])
@pytest.mark.parametrize(
    "model",
    ["coco_ssd_mobilenet_v1_quant", "coco_ssd_mobilenet_v1_quant_no_metadata", "fpnlite320_odapi_export_cat"],
)
def test_third_party_files_on_every_source(shared, model, source, capsys):
    from runtime.__main__ import main

    file = shared / f"models/{model}.tflite"
    cat = mjpeg_server.encode(images.read(shared / "images/cat.bmp"))
    with mjpeg_server.MjpegServer([cat]) as camera:
        target = camera.url if source == "stream" else shared / source
        assert main([str(file), "--source", str(target), "--json", "-", "--frames", "2"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == (1 if source.endswith(".bmp") else 2)
    if source != "stream":
        assert [line["frame"] for line in found] == list(range(len(found)))
    if "video" not in source:
        (cat,) = found[0]["detections"]
        assert cat["class"] == (0 if "cat" in model else 16)


def test_a_sink_brings_options_of_its_own(place, monkeypatch, capsys):
    import runtime.sinks
    from runtime.__main__ import main

    (place / "plugins").mkdir()
    (place / "plugins" / "tally.py").write_text(
        "from runtime.sinks import Sink\n"
        "KIND = 'a tally'\n"
        "def options(parser): parser.add_argument('--tally', metavar='WORD')\n"
        "def specs(arguments): return [f'tally:{arguments.tally}'] if arguments.tally else []\n"
        "def accepts(spec): return spec.startswith('tally:')\n"
        "def connect(spec, source): return Tally(spec)\n"
        "class Tally(Sink):\n"
        "    def __init__(self, spec): self.spec = spec\n"
        "    def write(self, frame, detections): print(self.spec, self.name, len(detections))\n"
    )
    monkeypatch.setattr(runtime.sinks, "__path__", [*runtime.sinks.__path__, str(place / "plugins")])
    main([str(place / "tiny.tflite"), "--source", str(place / "in"), "--tally", "yes"])
    assert capsys.readouterr().out == "tally:yes tally 2\n"


def test_a_source_is_needed(place):
    done = command("tiny.tflite", cwd=place)
    assert done.returncode == 2 and "give a source with --source" in done.stderr


def test_what_is_not_asked_for_is_not_loaded():
    code = (
        "import sys\n"
        "from runtime.config.arguments import parse\n"
        "import runtime.pipeline.session\n"
        "parse(['a.tflite', '--source', 'a.mp4'])\n"
        "heavy = {'asyncio', 'ssl', 'http.client', 'pydantic', 'yaml', 'paho', 'importlib.metadata', 'supervision'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    assert (done.stdout, done.stderr) == ("[]\n", "")
