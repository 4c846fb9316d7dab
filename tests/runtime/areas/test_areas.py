from __future__ import annotations

import argparse

import pytest

from runtime.areas.areas import line, zone


def test_a_zone_and_a_line_are_read_and_written():
    read = zone("front door=0.4,0.5,0.6,0.5,0.6,1,0.4,1")
    assert (read.name, read.pixels, read.corners[2]) == ("front door", False, (0.6, 1.0))
    assert str(read) == "front door=0.4,0.5,0.6,0.5,0.6,1,0.4,1"
    assert line("gate=10,20,300,20").pixels and str(line("gate=10,20,300,20")) == "gate=10,20,300,20"


@pytest.mark.parametrize(
    "text",
    [
        "", "door", "0,0,1,0,1,1", "=0,0,1,0,1,1", "door=", "door=0,0,1,1", "door=0,0,1,0,1", "door=0,0,1,0,x,1",
        "door=0,0,nan,0,1,1", "door=-1,0,1,0,1,1", "door=0.2,0,0.2,0.5,0.2,1", "a,b=0,0,1,0,1,1", "a=b=0,0,1,0,1,1",
        "door=0.1,0.1,0.5,0.5,0.9,0.9", "door=0.3,0.1,0.6,0.2,0.3,0.1", " door=0,0,1,0,1,1", "do\nor=0,0,1,0,1,1", f"{'d' * 41}=0,0,1,0,1,1", f"door={','.join(['0,0,1,0,1,1'] * 22)}",
    ],
)  # fmt: skip
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        zone(text)


@pytest.mark.parametrize("text", ["door=0,0", "door=0,0,1,0,1,1", "door=0.5,0.5,0.5,0.5", "0,0,1,1", "door=0,0,1"])
def test_what_is_no_line_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        line(text)
