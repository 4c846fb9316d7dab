"""An input that is not square, 64 x 96, through every command: from images to detections, and to the self-test of devices.

With the small network of `tests.support.networks`, since nothing here depends on what a network is made of.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from convert import benchmark
from convert.__main__ import main as convert
from convert.edgetpu.__main__ import main as edgetpu
from convert.evaluate import main as evaluate
from convert.inspect.__main__ import main as inspect
from devices.selftest import selftest
from runtime.__main__ import main as run_detector
from runtime.common.command import exit_code
from runtime.inference import preprocessing
from runtime.inference.detector import Detector
from tests.support import networks
from train import bench, find_rate, models
from train.__main__ import main as train
from train.check.__main__ import main as check
from train.evaluation import checkpoint_detector, detections
from train.report import contents, page
from train.run.run_folder import open_run
from train.sample_data import generation
from train.targets import box_coder

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore:Even though the .tf.config")]

SIZE = (64, 96)
MODEL = ["--model", "tiny", "--size", "64x96"]
SHORT = ["--steps", "2", "--batch", "4"]
# Images of a third shape, so that no two of the three can be mistaken for each other.
IMAGE_SIZE = (120, 100)


@dataclasses.dataclass(frozen=True)
class Made:
    """A data set, a run on it, and the folder that holds both."""

    folder: Path
    data: Path
    run: Path

    @property
    def int8(self) -> Path:
        return self.run / "export" / "detector_int8.tflite"


@pytest.fixture(scope="module", autouse=True)
def surroundings(tmp_path_factory):
    """The small network beside those of the kit, a cache of its own, and no tracing, which takes longer than the steps."""
    with pytest.MonkeyPatch.context() as patch:
        models.find.cache_clear()
        patch.setattr(models, "__path__", [*models.__path__, *networks.__path__])
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)
        models.find.cache_clear()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("rectangles")
    data, run = folder / "data", folder / "run"
    generation.draw_dataset(data, images=8, size=IMAGE_SIZE)
    varied = ["--mosaic", "0.5", "--expand", "0.5", "--rotate", "0.9"]
    assert train([str(data), "--out", str(run), *MODEL, *SHORT, "--init", "none", *varied]) == 0
    tf.config.run_functions_eagerly(False)
    # Of a network of two steps, no figure is worth a gate.
    assert convert(["--run", str(run), "--int8", "--fp16", "--no-gate", "--calibration", "4", "--score", "0"]) == 0
    tf.config.run_functions_eagerly(True)
    return Made(folder, data, run)


def shape(file: Path) -> tuple[int, ...]:
    return tuple(Detector(file)._input.shape)


def test_the_run_its_files_and_their_readers_have_the_size(made, capsys):
    assert open_run(made.run).size() == SIZE
    manifest = json.loads((made.run / "export" / "manifest.json").read_text())
    assert manifest["size"] == "64x96" and manifest["network"] == "tiny"
    for kind in ("int8", "fp16"):
        assert shape(made.run / "export" / f"detector_{kind}.tflite") == (1, *SIZE, 3)
    assert inspect([str(made.int8)]) == 0
    assert "64" in (said := capsys.readouterr().out) and "1, 64, 96, 3" in said.replace("x", ", ")
    assert edgetpu([str(made.int8), "--check"]) == 0
    rows = benchmark.benchmark(open_run(made.run), frames=2, progress=False)
    assert [row.file for row in rows] == ["checkpoint", "detector_fp16.tflite", "detector_int8.tflite"]


def test_files_find_boxes_of_the_checkpoint(made):
    """In pixels of the image: neither the input's shape nor the order of its sides gets into them."""
    run = open_run(made.run)
    image = cv2.imread(str(sorted(made.data.rglob("*.jpg"))[0]))
    graph = checkpoint_detector.folded(run.network(), run.checkpoint, run.size(), len(run.labels()))
    codes, logits = graph.run(preprocessing.normalize(preprocessing.resize(image, SIZE))[None])
    head = graph.head
    decoded = box_coder.decode(tf.concat(codes, 1)[0], tf.constant(head.anchors), head.scales).numpy()
    # ymin, xmin, ymax, xmax
    boxes = np.clip(decoded, 0, 1)[:, [1, 0, 3, 2]] * (IMAGE_SIZE * 2)
    scores = tf.sigmoid(tf.concat(logits, 1)[0]).numpy()
    for kind in ("fp16", "int8"):
        found = Detector(made.run / "export" / f"detector_{kind}.tflite", score=0.0, all_labels=True)(image)
        assert found
        for one in found:
            differences = np.abs(boxes - one.box.as_tuple()).max(axis=1)
            assert differences.min() < 2
            assert scores[differences.argmin(), one.class_id] == pytest.approx(one.score, abs=0.02)


def test_figures_of_the_run_and_of_its_checkpoint_at_another_size(made, capsys):
    best = made.run / "checkpoints" / "best"
    for target in (["."], ["checkpoints/best", "--size", "96x64"], ["export/detector_int8.tflite"]):
        assert evaluate([str(made.run / target[0]), *target[1:]]) == 0
    capsys.readouterr()
    assert exit_code(evaluate, [str(best), "--size", "60x96"]) == 2
    line = "error: --size: tiny: sides are multiples of 16 from 48 to 320, not 60x96; the nearest is 64x96\n"
    assert capsys.readouterr().err == line


def test_a_page_of_a_run_whose_detections_were_not_kept(made, monkeypatch):
    monkeypatch.setattr(detections, "read", lambda *_: None)
    report = contents.gather(open_run(made.run))
    assert "64x96" in page.render(report)


def test_the_loop_shows_images_as_they_are(made, capsys):
    image = sorted(made.data.rglob("*.jpg"))[0]
    out = made.folder / "shown"
    words = [str(made.int8), "--source", str(image), "--score", "0", "--json", "-", "--out", str(out)]
    assert run_detector(words) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[0])["detections"]
    assert found and max(item["box"][2] for item in found) <= IMAGE_SIZE[0]
    assert max(item["box"][3] for item in found) <= IMAGE_SIZE[1]
    assert cv2.imread(str(out / image.name)).shape == (IMAGE_SIZE[1], IMAGE_SIZE[0], 3)


def test_a_golden_for_devices(made):
    detector = Detector(made.int8, engine="plain", score=0.0)
    images = sorted(made.data.rglob("*.jpg"))
    score = sorted(item.score for item in detector(cv2.imread(str(images[0]))))[-1] * 0.99
    reference = selftest.Reference(made.int8, score)
    assert reference.side == 96 and reference.image(images[0]).shape == (*SIZE, 3)
    golden = selftest.make(made.int8, images[:1], made.folder / "golden", score=score)
    assert cv2.imread(str(golden.images[0].image)).shape == (*SIZE, 3)
    assert selftest.run(made.int8, made.folder / "golden").passed


def test_training_goes_on_at_its_size_and_at_no_other(made, capsys):
    tuned = made.folder / "tuned"
    assert train(["--qat", str(made.run), "--out", str(tuned), "--steps", "1"]) == 0
    assert open_run(tuned).size() == SIZE and open_run(tuned).quantization() is not None
    capsys.readouterr()
    assert exit_code(train, ["--qat", str(made.run), "--size", "96x64", "--out", str(made.folder / "x")]) == 2
    assert "--size 96x64: " in (said := capsys.readouterr().err) and said.count("\n") == 1
    assert exit_code(train, ["--resume", str(made.run), "--size", "96x64"]) == 2
    assert "--size: this run was started with 64x96, not with 96x64" in capsys.readouterr().err


def test_training_from_a_run_of_another_size(made):
    out = made.folder / "on"
    words = ["--out", str(out), "--model", "tiny", "--size", "96", *SHORT, "--init", str(made.run)]
    assert train([str(made.data), *words]) == 0
    assert open_run(out).size() == (96, 96)


def test_a_checkpoint_is_converted_at_another_size(made):
    out = made.folder / "other"
    tf.config.run_functions_eagerly(False)
    words = ["--checkpoint", str(made.run / "checkpoints" / "best"), "--size", "96x48", "--fp16", "--out", str(out)]
    assert convert(words) == 0
    assert shape(out / "detector_fp16.tflite") == (1, 96, 48, 3)
    tf.config.run_functions_eagerly(True)


def test_a_run_is_not_converted_at_another_size(made, capsys):
    assert exit_code(convert, ["--run", str(made.run), "--fp16", "--size", "96x48"]) == 2
    said = capsys.readouterr().err
    assert said == "error: --size 96x48 is for --checkpoint; a run and a FOLDER have a size of their own\n"


@pytest.mark.parametrize("command", [bench.main, find_rate.main, check])
def test_commands_on_data_take_the_size(command, made, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "_PREFETCH_SECONDS", 0.0)
    monkeypatch.setattr(bench, "_PREFETCHED_STEPS", 1)
    words = {bench.main: ["--steps", "4", "--batch", "1"], check: ["--out", "page.html"]}
    more = words.get(command, ["--steps", "20", "--batch", "1", "--init", "none", "--low", "1e3", "--high", "1e8"])
    assert exit_code(command, [str(made.data), *MODEL, *more]) in (0, 1)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    if command is check:
        assert "64 x 96" in said.out and "Boxes and anchors at 64 x 96" in (tmp_path / "page.html").read_text()
    assert exit_code(command, [str(made.data), "--model", "tiny", "--size", "64x50", *more]) == 2
    line = "--size: tiny: sides are multiples of 16 from 48 to 320, not 64x50; the nearest is 64x48"
    assert line in capsys.readouterr().err.splitlines()[-1]
