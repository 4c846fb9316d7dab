"""The curves of a run."""

from __future__ import annotations

from train.pages import curves


def line(step: int, **values):
    return {"step": step, **values}


def test_losses_average_precision_and_rate_have_a_figure_each():
    training = [line(i, loss=2 / i, class_loss=1 / i, box_loss=1 / i, rate=0.1) for i in range(1, 5)]
    validations = [line(4, AP=0.25, AP50=None)]
    captions = ["Loss", "Average precision", "Learning rate"]
    drawn = curves.figures(training, validations)
    assert [f"<figcaption>{caption}</figcaption>" in figure for caption, figure in zip(captions, drawn)] == [True] * 3
    assert "AP: 0.250 at 4" in drawn[1]


def test_what_has_no_point_has_no_figure():
    assert len(curves.figures([], [line(4, AP=0.25, AP50=0.5)])) == 1
    assert len(curves.figures([line(1, loss=1.0, class_loss=0.5, box_loss=0.5)], [])) == 1


def test_long_curves_keep_their_first_and_last_point():
    points = [(float(i), 0.0) for i in range(1003)]
    kept = curves.thinned(points)
    assert len(kept) <= 401 and kept[0] == points[0] and kept[-1] == points[-1]
