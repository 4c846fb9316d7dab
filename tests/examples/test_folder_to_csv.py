from __future__ import annotations

import csv

import pytest

from tests.support.examples import DETECTOR, image_folder, run_example


@pytest.fixture
def images(tmp_path):
    return image_folder(
        tmp_path / "images",
        {"a.png": {"red": (96, 48)}, "b.png": {}, "c.jpg": {"green": (96, 48), "blue": (192, 96)}},
    )


def test_a_row_for_each_object(images, tmp_path, capsys):
    run_example("folder_to_csv", DETECTOR, images, "--out", tmp_path / "table.csv")
    with open(tmp_path / "table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["label"]) for row in rows] == [("a.png", "red"), ("c.jpg", "green"), ("c.jpg", "blue")]
    assert float(rows[0]["score"]) > 0.9
    assert float(rows[0]["xmin"]) < 96 + 12 < float(rows[0]["xmax"])
    assert float(rows[0]["ymin"]) < 48 + 12 < float(rows[0]["ymax"])
    assert capsys.readouterr().out == f"{tmp_path / 'table.csv'}: 3 objects in 3 images\n"


def test_a_run_that_fails_leaves_the_table_of_the_last(images, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("of the last run")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=r"error: .*empty"):
        run_example("folder_to_csv", DETECTOR, tmp_path / "empty", "--out", table)
    assert table.read_text() == "of the last run"
    assert {path.name for path in tmp_path.iterdir()} == {"images", "empty", "table.csv"}
