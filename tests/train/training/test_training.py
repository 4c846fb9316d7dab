"""The preparation of a run."""

from __future__ import annotations

import os
import time

from train.run.options import Options
from train.sample_data import generation
from train.training import training


def test_records_that_were_not_used_for_long_are_removed_with_a_note(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    records = tmp_path / "cache" / "edge-detection-kit" / "records"
    ages = {"old": 100, "yesterday": 2, "today": 0}
    for name, days in ages.items():
        (records / name).mkdir(parents=True)
        (records / name / "a.tfrecord").write_bytes(b"records")
        os.utime(records / name, (time.time() - days * 24 * 3600,) * 2)
    generation.draw_dataset(tmp_path / "data", images=6, size=(120, 90))
    dataset = Options().open(str(tmp_path / "data"))

    training.prepare(dataset, Options(init="none"))
    assert [name for name in ages if (records / name).exists()] == ["yesterday", "today"]
    assert f"{records / 'old'}: removed 0.0 GB of records, last used 100 days ago" in capsys.readouterr().err
    training.prepare(dataset, Options(init="none", cache_gb=0))
    assert [name for name in ages if (records / name).exists()] == ["today"]
    assert len(list(records.iterdir())) == 3
