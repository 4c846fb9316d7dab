"""The function `convert`: the command's options, and what does not go together."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

import pytest

from convert import __main__ as command
from convert import convert
from convert.notebook.conversion import default_folder, destination
from runtime.common.errors import InputError
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set

# Not of the function: copying into the sample apps and for other programs, the other names of `source`, and an old name.
OF_THE_COMMAND = {"folder", "run", "install_ios", "install_android", "destination", "calibration_pictures"}


def test_keywords_and_defaults_are_the_commands():
    # Without --help and --version, which end the command.
    actions = [action for action in command._parser()._actions if action.dest not in ("help", argparse.SUPPRESS)]
    options = {action.dest: action.default for action in actions if action.dest not in OF_THE_COMMAND}
    keywords = {name: item.default for name, item in inspect.signature(convert).parameters.items()}
    assert set(options) == set(keywords) - {"source", "progress", "say"}
    # What is on by default, and lists of the command line.
    own = {"int8": True, "mean": (127.5,), "std": (127.5,)}
    assert {name: keywords[name] for name in options} == {**options, **own}


@pytest.fixture
def run(tmp_path):
    return small_run(tmp_path / "run", data_set(tmp_path / "data", 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"int8": False}, "nothing to write"),
        ({"checkpoint": "x"}, "give either a source or a checkpoint"),
        ({"data": "x"}, "a run has its own images"),
        ({"labels": "x"}, "a run has its own names"),
        ({"calibration_images": "x"}, "a run has its own names"),
        ({"input_type": "uint8"}, "that of int8_io files"),
        ({"post_processing": "costum"}, "one of built-in, custom, not 'costum'"),
        ({"calibration_method": "max"}, "one of mse, minmax, percentile"),
        ({"iou": 60}, "iou lies between 0 and 1"),
        ({"detections": 0}, "detections is at least 1"),
        ({"size": 320}, "have a size of their own"),
        ({"edgetpu": True, "batch": 2}, "one image"),
        ({"std": (0.0,)}, "greater than 0"),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_is_written(run, options, message):
    with pytest.raises(InputError, match=message):
        convert(run.path, **options)
    assert not run.export.exists()


def test_a_folder_that_is_nothing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such folder|not a run"):
        convert(tmp_path / "nowhere")


def test_the_files_that_were_written_are_returned_and_nothing_is_printed(run, monkeypatch, capsys):
    exporting = pytest.importorskip("convert.export.export", reason="needs TensorFlow")
    from convert.evaluation.gate import Admitted

    run.best.mkdir(parents=True)
    (run.best / "ckpt-7.index").touch()
    asked, said = [], []

    def export(source, folder, options, say):
        folder.mkdir()
        path = folder / "detector_fp16.tflite"
        path.write_bytes(b"1234")
        say(f"{path}: 0.00 MB")
        asked.append((source.checkpoint, options))
        return (Admitted(path, "fp16", None),)

    monkeypatch.setattr(exporting, "export", export)
    files = convert(run.path, int8=False, fp16=True, post_processing="custom", no_gate=True, say=said.append)
    ((checkpoint, options),) = asked
    assert checkpoint == run.best
    assert options == exporting.Options(int8=False, fp16=True, custom=True, gate=False)
    assert (files.folder, files["fp16"].bytes, files["fp16"].ap) == (run.export, 4, None)
    assert said == [f"{run.export / 'detector_fp16.tflite'}: 0.00 MB"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("checkpoint", [".", "checkpoints/best", "checkpoints/best/ckpt-7", "checkpoints/best/ckpt-7.index"])
def test_a_checkpoint_in_a_run_is_written_beside_it(checkpoint, run, monkeypatch):
    run.best.mkdir(parents=True)
    (run.best / "ckpt-7.index").touch()
    monkeypatch.chdir(run.path.parent)
    path = Path(run.path.name) / checkpoint
    assert default_folder(None, None, path).resolve() == run.export.resolve()
    assert destination(path, run.export).endswith("export, the run that it lies in")


@pytest.mark.parametrize("name", ["mine/checkpoint", "run/checkpoint.tar.gz"])
def test_another_checkpoint_is_written_below_runs(name, run, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert default_folder(None, None, path) == Path("runs/checkpoint/export")
    assert destination(path, Path("runs/checkpoint/export")).endswith("checkpoint/export; name another folder with --out")
