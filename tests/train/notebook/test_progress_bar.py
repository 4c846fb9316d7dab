"""Progress as a bar."""

from __future__ import annotations

import pytest

from train.evaluation.coco import FIGURES, Metrics
from train.notebook.progress_bar import ProgressBar, Unseen

LOSSES = {"training_loss": 1.25, "class_loss": 1.0, "box_loss": 0.25}


def test_it_shows_steps_loss_and_average_precision(capsys):
    done = [0]
    bar = ProgressBar(lambda: done[0], 10, 4)
    for done[0] in (5, 10):
        bar(LOSSES)
        bar.validated(Metrics(dict.fromkeys(FIGURES, 0.5), {}, 1))
    bar.close()
    printed = capsys.readouterr()
    assert printed.out == "" and "10/10" in printed.err
    assert "loss=1.250" in printed.err and "AP=0.500" in printed.err


@pytest.mark.parametrize("kind", [ProgressBar, Unseen])
def test_speed_is_measured_shown_or_not(kind, capsys):
    done = [0]
    progress = kind(lambda: done[0], 10, 4)
    for done[0] in (5, 10):
        progress(LOSSES)
    assert progress.images_per_second > 0
    if kind is Unseen:
        assert capsys.readouterr() == ("", "")
