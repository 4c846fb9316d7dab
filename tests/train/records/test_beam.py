"""Shards written by Apache Beam's local runner, in processes of its own, are those of this machine.

Beam keeps some packages older than the kit was tested with, so it has an environment of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.common.command import exit_code
from tests.support import format_samples as make
from tests.support.format_samples import samples
from tests.support.paths import ROOT
from tests.support.reader_environment import environment
from train.dataset.dataset import open_dataset
from train.records import beam, writing
from train.records.__main__ import main

pytestmark = pytest.mark.long

PACKAGES = (
    "apache-beam==2.77.0", "defusedxml==0.7.1", "google-crc32c==1.9.0", "numpy==2.4.6", "opencv-python-headless==5.0.0.93",
    "pillow==12.3.0", "PyYAML==6.0.4", "tqdm==4.70.1", "xxhash==4.1.0",
)  # fmt: skip
TWO_PROCESSES = ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.fixture(scope="module")
def python() -> Path:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        pytest.skip("needs Python 3.11 to 3.13")
    return environment("beam", PACKAGES)


@pytest.fixture
def data(tmp_path) -> Path:
    images = [*samples(9, 3), make.Sample("background.jpg", "train", (), data=make.image(9))]
    return make.write("coco", tmp_path / "data", images)


def call(python: Path, *arguments: object, runner: str = "DirectRunner") -> subprocess.CompletedProcess:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [str(python), "-m", "train.records", *map(str, arguments), "--runner", runner, *TWO_PROCESSES]
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=ROOT, timeout=600)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_bytes_and_the_same_data_set(python, data, tmp_path):
    """The images are read at another place, as workers elsewhere do."""
    (tmp_path / "elsewhere").symlink_to(data)
    writing.write(open_dataset(data), tmp_path / "local", count=3, progress=False)
    done = call(python, data, tmp_path / "beam", "--shards", 3, "--worker-data", tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    written = contents(tmp_path / "beam")
    assert written == contents(tmp_path / "local")
    assert sorted(name for name in written if name.startswith("valid")) == [
        f"valid/examples-0000{i}-of-00003.tfrecord" for i in range(3)
    ]
    one, other = open_dataset(data), open_dataset(tmp_path / "beam")
    assert [(e.id, e.boxes) for e in one.train + one.validation] == [
        (e.id, e.boxes) for e in other.train + other.validation
    ]
    assert one.labels == other.labels


def test_an_image_that_was_removed_is_one_line_and_nothing_stays(python, data, tmp_path):
    (tmp_path / "elsewhere/train").mkdir(parents=True)
    done = call(python, data, tmp_path / "beam", "--worker-data", tmp_path / "elsewhere")
    assert done.returncode == 2, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "cannot read the image" in errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "elsewhere"]


@pytest.mark.parametrize("runner", ["Nonsense", "apache_beam.pipeline.Pipelines"])
def test_an_unknown_runner_is_wrong_input(python, data, tmp_path, runner):
    done = call(python, data, tmp_path / "beam", runner=runner)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    message = done.stderr.splitlines()[-1]
    assert message.startswith(f"error: --runner {runner}: ") and "DirectRunner" in message and "FlinkRunner" in message
    assert not (tmp_path / "beam").exists()


def test_without_beam_the_extra_is_named(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "apache_beam.io.filesystems", None)
    assert exit_code(main, [str(data), str(tmp_path / "out"), "--runner", "FlinkRunner"]) == 2
    assert "pip install 'edge-detection-kit[scale]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_work_goes_to_workers_and_back_unchanged(data):
    for _, shard in writing.all_shards(open_dataset(data), 2):
        again = beam._from_bytes(beam._to_bytes(shard))
        assert (again.images, again.labels) == (shard.images, shard.labels)
        for name in ("sides", "classes", "marks"):
            assert (getattr(again, name) == getattr(shard, name)).all()
