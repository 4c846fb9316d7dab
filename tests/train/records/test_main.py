"""The options of the command `train.records`."""

from __future__ import annotations

from train.records.__main__ import _parser


def test_the_old_name_of_worker_data_is_accepted(capsys):
    arguments = _parser().parse_args(["data", "out", "--data-there", "gs://bucket/data"])
    assert arguments.worker_data == "gs://bucket/data"
    assert "--worker-data" in capsys.readouterr().err
    assert "--data-there" not in _parser().format_help()
