"""A trained run and its export, made once for all tests that need a detector that works."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.locks import locked, session_folder
from tests.support.paths import ROOT
from train.layers import tensorflow_setup

tensorflow_setup.prepare()

WARM_START = ROOT / "train" / "warm_start"


@dataclass(frozen=True)
class Trained:
    """A run on generated images, exported as fp16 and int8.

    `data` is its data set; `lines` are the messages of the conversion.
    """

    run: Path
    data: Path
    fp16: Path
    int8: Path
    lines: tuple[str, ...]


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """The shared run; import this name into a test file to use it. All workers use the same run."""
    folder = session_folder(tmp_path_factory) / "trained"
    # A session fixture that two files import is made twice, so that the result is kept on disk.
    with locked(folder / "lock"):
        made = folder / "made"
        if not made.exists():
            made.write_bytes(pickle.dumps(_make(folder)))
        return pickle.loads(made.read_bytes())


@pytest.fixture(scope="session")
def trained_custom(trained, tmp_path_factory) -> dict[str, Path]:
    """The fp16 and int8 files of the same run with the custom operation, as older files have it. Not measured."""
    folder = session_folder(tmp_path_factory) / "trained-custom"
    kinds = ("fp16", "int8")
    with locked(folder / "lock"):
        if not (folder / "manifest.json").exists():
            from convert.export.export import Options, export, source_of_run
            from train.run.run_folder import RunFolder

            source = replace(source_of_run(RunFolder(trained.run)), validation=None)
            export(source, folder, Options(fp16=True, int8=True, calibration=40, custom=True), say=lambda line: None)
    return {kind: folder / f"detector_{kind}.tflite" for kind in kinds}


def _make(folder: Path) -> Trained:
    """Trains a few steps from the warm start, converts and evaluates, as the commands do."""
    from convert.export.export import Options, export, source_of_run
    from train.dataset.dataset import open_dataset
    from train.run.run_folder import RunFolder
    from train.sample_data import generation
    from train.training import training

    generation.draw_dataset(folder / "data", images=60, seed=3)
    run = RunFolder(folder / "run")
    options = training.Options(steps=4, batch=8, init=str(WARM_START), rate=0.002)
    training.train(open_dataset(folder / "data"), run, options, say=lambda line: None)
    lines: list[str] = []
    # On twelve validation images AP is noisy; the gate has tests of its own.
    options = Options(fp16=True, int8=True, calibration=40, max_drop=0.1, max_class_drop=0.3)
    fp16, int8 = export(source_of_run(run), run.export, options, say=lines.append)
    return Trained(run.path, folder / "data", fp16.path, int8.path, tuple(lines))
