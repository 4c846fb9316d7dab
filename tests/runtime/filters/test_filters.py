from __future__ import annotations

import argparse

import numpy as np
import pytest

import runtime.filters
from runtime import Box, Detection, Frame, InputError, Labels
from runtime.common import plugins
from runtime.filters import open_filters

LABELS = Labels(("person", "car", "dog"))
FRAME = Frame(np.zeros((4, 4, 3), np.uint8))
FOUND = tuple(Detection(name, LABELS.index(name), 0.9, Box(0, 0, 1, 1)) for name in ("car", "person", "car"))


def filters(*words, labels=LABELS):
    parser = argparse.ArgumentParser()
    plugins.add_options(runtime.filters, parser)
    return open_filters(parser.parse_args(words), labels)


def test_without_options_there_are_no_filters():
    assert filters() == []


def test_only_some_classes():
    (only,) = filters("--only", "car, dog")
    assert [item.label for item in only(FRAME, FOUND)] == ["car", "car"]
    (only,) = filters("--only", "class 7")
    assert only(FRAME, FOUND) == ()


@pytest.mark.parametrize(("name", "message"), [("cars", "did you mean car?"), ("xyz", "there are person, car, dog")])
def test_a_class_that_there_is_not(name, message):
    with pytest.raises(InputError, match=f"--only: no class is called '{name}'; {message}".replace("?", r"\?")):
        filters("--only", name)
    with pytest.raises(InputError, match="no class is called 'class 1'"):
        filters("--only", "class 1")
