"""The page of a run and the comparison of runs, with run folders made by the tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.boxes.tiles import Tiles
from runtime.common.command import exit_code
from runtime.common.values import Box, Detection, Labels
from tests.support.pages import EVIL, SHOWN, assert_harmless, classes_without_style
from tests.support.voc_samples import image
from train import compare
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation import detections
from train.evaluation.coco import FIGURES, Metrics
from train.evaluation.validation import Validation
from train.pages import charts, html
from train.report import contents, page
from train.report.__main__ import main
from train.run.history import Recorder
from train.run.run_folder import RunFolder, fingerprint
from train.run.settings import flat


def dataset(folder: Path, *labels: str) -> Dataset:
    examples = [
        Example(
            f"{i}", image(folder / f"<b>&{i}.jpg", seed=i), 64, 48,
            tuple(LabelledBox(label, Box(4 + 20 * j, 5, 20 + 20 * j, 28)) for j, label in enumerate(labels)),
        )
        for i in range(6)
    ]  # fmt: skip
    return Dataset(tuple(examples[:3]), tuple(examples[3:]), Labels(tuple(sorted(labels))), ("a.xml: box 1 has no area",), "pets")


def write_run(folder: Path, data: Dataset, ap: float = 0.5, rate: float = 0.03, ended: bool = True) -> RunFolder:
    """A run of ten steps with one validation, in which everything but one class was found, and something else."""
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    run.write_dataset(data)
    config = {
        "data": {"name": data.name, "fingerprint": fingerprint(data)},
        "options": {"rate": rate, "size": 320, "val": None},
        "task": {"size": 320, "train_data": {"files": ["a", "b"], "seed": 0}},
        "trainer": {"train_steps": 10, "optimizer_config": {"learning_rate": {"cosine": {"initial_learning_rate": rate}}}},
    }
    run.write_config(config)
    per_class = dict.fromkeys(data.labels, ap)
    metrics = Metrics(dict.fromkeys(FIGURES, ap), per_class, len(data.validation), per_class)
    missed = data.labels[0]
    found = {
        example.id: [
            Detection(item.label, data.labels.index(item.label), 0.9, item.box) for item in example.boxes if item.label != missed
        ]
        + [Detection(missed, 0, 0.6, Box(40, 30, 60, 46))]
        for example in data.validation
    }
    recorder = Recorder(folder, lambda: 10, lambda: Validation(metrics, found))
    recorder.trained({"training_loss": 2.0, "class_loss": 1.0, "box_loss": 0.5, "learning_rate": rate})
    recorder.validated({})
    if ended:
        run.write_metrics({**metrics.as_dict(), "step": 10, "steps": 10, "seconds": 75.0, "images_per_second": 3.5})
    return run


def test_the_page_of_a_run_has_everything_and_escapes_what_it_shows(tmp_path):
    data = dataset(tmp_path / "data", EVIL, "cat")
    run = write_run(tmp_path / "run", data)
    assert main([str(run.path)]) == 0
    text = (run.path / "report.html").read_text()
    document = assert_harmless(text)
    assert not classes_without_style(text)
    assert SHOWN in text and "&lt;b&gt;&amp;3.jpg" in text
    for title in ("Progress", "Classes", "Precision and recall", "Confusions", "Worst images", "Data set", "Settings"):
        assert f"<h2>{title}" in text
    assert document.tags.count("image") == 3 and document.tags.count("polyline") >= 6 + 2 + 1 + 2 + 3
    assert "a.xml: box 1 has no area" in text and "task.train_data.seed" in text and "1:15" in text


def test_figures_on_the_page_are_those_of_the_detections(tmp_path):
    data = dataset(tmp_path / "data", "cat", "dog")
    gathered = contents.gather(write_run(tmp_path / "run", data))
    # Dogs are all found at 0.9; what was taken for cats at 0.6 is none.
    assert gathered.score == 0.75
    assert gathered.curves["dog"].at(0.9) == (1, 1) and gathered.curves["cat"].at(0.5) == (0, 0)
    assert [len(outcome.missed) for outcome in gathered.outcomes] == [1, 1, 1]


def test_a_run_that_has_not_ended_shows_its_best_so_far(tmp_path):
    run = write_run(tmp_path / "run", dataset(tmp_path / "data", "cat", "dog"), ap=0.25, ended=False)
    text = page.write(run).read_text()
    assert "not ended" in text and "<dd>0.250</dd>" in text


def test_a_run_that_was_never_validated_has_no_page(tmp_path, capsys):
    run = write_run(tmp_path / "run", dataset(tmp_path / "data", "cat"), ended=False)
    (run.path / "history.jsonl").unlink()
    assert exit_code(main, [str(run.path)]) == 2
    assert "nothing has been validated in this run yet" in capsys.readouterr().err
    assert exit_code(main, [str(tmp_path)]) == 2 and not (run.path / "report.html").exists()


def test_an_image_that_was_removed_leaves_a_note(tmp_path):
    data = dataset(tmp_path / "data", "cat")
    run = write_run(tmp_path / "run", data)
    data.validation[0].image.unlink()
    assert "cannot be shown" in page.write(run).read_text()


def test_detections_of_other_weights_are_not_shown(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run", dataset(tmp_path / "data", "cat", "dog"))
    detections.write(run.path, 5, {})
    monkeypatch.setattr(contents, "_detect", lambda *_: {"3": [Detection("dog", 1, 0.8, Box(24, 5, 40, 28))]})
    assert contents.gather(run).curves["dog"].scores.tolist() == [0.8]


def test_what_is_not_stored_is_found_through_the_tiles_of_the_run(tmp_path, monkeypatch):
    checkpoint_detector = pytest.importorskip("train.evaluation.checkpoint_detector", reason="needs TensorFlow")
    run = write_run(tmp_path / "run", dataset(tmp_path / "data", "cat", "dog"))
    detections.write(run.path, 5, {})
    run.write_config({**run.config(), "task": {"size": 320, "tiles": "2x1"}})
    run.best.mkdir(parents=True)
    (run.best / "ckpt-7.index").touch()
    seen = []

    def made(path, size, labels, graph=None, tiles=None):
        seen.append(tiles)
        return lambda image: []

    monkeypatch.setattr(checkpoint_detector, "CheckpointDetector", made)
    contents.gather(run)
    assert seen == [Tiles(2, 1)]


def test_runs_are_compared_by_what_differs(tmp_path, capsys):
    data = dataset(tmp_path / "data", "cat", "dog")
    runs = [write_run(tmp_path / name, data, ap, rate) for name, ap, rate in (("one", 0.5, 0.03), ("two", 0.625, 0.01))]
    assert compare.main([str(run.path) for run in runs]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["one", "two"]
    assert lines[1].split() == ["options.rate", "0.03", "0.01"]
    assert lines[2] == "1 that follow, see --json" and lines[3] == ""
    assert lines[4].split() == ["AP", "0.500", "0.625*"] and not any("seed" in line or "files" in line for line in lines)
    assert "AP dog" in "\n".join(lines)


def test_settings_that_nobody_gave_are_compared_too(tmp_path, capsys):
    data = dataset(tmp_path / "data", "cat")
    runs = [write_run(tmp_path / name, data) for name in ("one", "two")]
    runs[1].write_config({**runs[1].config(), "trainer": {"train_steps": 20}})
    assert compare.main([str(run.path) for run in runs]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["trainer.train_steps", "10", "20"] in [line.split() for line in lines]


def test_runs_on_other_data_are_not_ranked(tmp_path, capsys):
    for name, labels in (("one", ("cat",)), ("two", ("cat", "dog"))):
        write_run(tmp_path / name, dataset(tmp_path / "data", *labels), ap=len(labels) / 4)
    compare.main([str(tmp_path / "one"), str(tmp_path / "two"), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["runs"] == ["one", "two"] and result["figures"]["AP"] == [0.25, 0.5]
    assert result["figures"]["AP dog"] == [None, 0.5] and len(result["settings"]["data.fingerprint"]) == 2
    compare.main([str(tmp_path / "one"), str(tmp_path / "two")])
    printed = capsys.readouterr().out
    assert "*" not in printed and "measured on different data" in printed


def test_runs_of_the_same_name_are_distinguished(tmp_path, capsys):
    data = dataset(tmp_path / "data", "cat")
    for name in ("a/run", "b/run"):
        write_run(tmp_path / name, data)
    assert compare.main([str(tmp_path / "a/run"), str(tmp_path / "b/run")]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["a/run", "b/run"]


def test_wrong_comparisons(tmp_path, capsys):
    run = write_run(tmp_path / "run", dataset(tmp_path / "data", "cat"), ended=False)
    for arguments, message in (
        ([run.path], "give at least two runs"),
        ([run.path, tmp_path], "not a run"),
        ([run.path, run.path], "has this run ended?"),
    ):
        assert exit_code(compare.main, list(map(str, arguments))) == 2
        assert message in capsys.readouterr().err


def test_settings_are_flat_and_short():
    config = {"task": {"size": 320, "name": None, "train_data": {"files": ["a"] * 8, "rate": 0.1 + 0.2}}, "on": False}
    assert flat(config) == {"task.size": "320", "task.train_data.files": "8 files", "task.train_data.rate": "0.3", "on": "False"}


def test_what_is_not_markup_is_escaped():
    assert html.tag("p", "<b>", html.tag("i", "&"), [None, "x"], title='"') == '<p title="&quot;">&lt;b&gt;<i>&amp;</i>x</p>'
    assert html.tag("rect", class_="a", stroke_width=2, x=None) == '<rect class="a" stroke-width="2"></rect>'


@pytest.mark.parametrize(("high", "ticks"), [(1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (430, [0, 100, 200, 300, 400]), (0, [0, 0.2, 0.4, 0.6, 0.8, 1])])
def test_ticks_are_round(high, ticks):
    assert charts.Axis(0, high, 0, 100).ticks(5) == pytest.approx(ticks)


def test_ticks_of_a_logarithmic_axis_are_powers_of_two():
    axis = charts.Axis(0.125, 8, 0, 120, log=True)
    assert axis.ticks() == [0.125, 0.25, 0.5, 1, 2, 4, 8]
    assert [axis(value) for value in (0.125, 1, 8, 100)] == pytest.approx([0, 60, 120, 120])


def test_a_running_mean_keeps_a_straight_line():
    points = [(float(i), 2.0 * i) for i in range(9)]
    assert charts.smoothed(points, 5) == tuple(points)
