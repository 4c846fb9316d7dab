"""The memory that two processes share, seen from both ends."""

from __future__ import annotations

import contextlib
import tempfile

import numpy as np
import pytest

from runtime.inference.interpreter import Port
from runtime.inference.process.shared_tensors import SLOTS, UNKNOWN_BYTES, SharedTensors


def port(shape, dtype, signature=None):
    return Port(
        name="x", index=0, shape=shape, dtype=np.dtype(dtype), scale=0.0, zero_point=0, signature=signature or shape
    )


INPUT = port((1, 3, 5, 3), "uint8")
OUTPUTS = (port((1, 7), "float32"), port((3,), "int8"))


@pytest.fixture
def ends():
    """Two mappings of one file, for a model with the given outputs."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())

        def make(outputs=OUTPUTS):
            pair = [SharedTensors(file.fileno(), [INPUT], outputs) for _ in range(2)]
            for each in pair:
                stack.callback(each.close)
            return pair

        yield make


def test_what_one_end_puts_the_other_end_reads_in_every_slot(ends):
    here, there = ends()
    chance = np.random.default_rng(0)
    inputs = [chance.integers(0, 256, INPUT.shape, np.uint8) for _ in range(SLOTS)]
    outputs = [
        [chance.random((1, 7), np.float32), chance.integers(-128, 128, 3).astype(np.int8)] for _ in range(SLOTS)
    ]
    for slot in range(SLOTS):
        here.put_input(slot, inputs[slot])
        assert there.put_outputs(slot, outputs[slot]) == [(1, 7), (3,)]
    for slot in range(SLOTS):
        # All of them were written before: no place overlaps another.
        assert np.array_equal(there.input(slot), inputs[slot]) and there.input(slot).dtype == np.uint8
        found = here.outputs(slot, [(1, 7), (3,)])
        assert [array.dtype for array in found] == [np.float32, np.int8]
        assert all(np.array_equal(*pair) for pair in zip(found, outputs[slot]))
        assert there.input(slot).ctypes.data % 64 == 0, "aligned for the processor"


def test_outputs_that_were_read_do_not_change_with_the_next_run(ends):
    here, there = ends()
    there.put_outputs(0, [np.ones((1, 7), np.float32), np.ones(3, np.int8)])
    found = here.outputs(0, [(1, 7), (3,)])
    there.put_outputs(0, [np.zeros((1, 7), np.float32), np.zeros(3, np.int8)])
    here.close()
    assert all(array.min() == 1 for array in found)


@pytest.mark.parametrize(
    "unknown", [port((), "float32"), port((0, 4), "float32"), port((1, 4), "float32", (1, -1)), port((-1, 4), "float32")]
)
def test_an_output_of_unknown_size_has_room_for_a_megabyte(ends, unknown):
    here, there = ends((unknown, OUTPUTS[1]))
    large = np.arange(UNKNOWN_BYTES // 4, dtype=np.float32)
    shapes = there.put_outputs(1, [large, np.full(3, 5, np.int8)])
    found = here.outputs(1, shapes)
    assert np.array_equal(found[0], large) and found[1].tolist() == [5, 5, 5]


def test_an_output_that_is_too_large_is_named(ends):
    _, there = ends()
    there.put_outputs(0, [np.zeros((1, 7), np.float32), np.zeros(3, np.int8)])
    with pytest.raises(ValueError, match="an output of 4 bytes has room for 3"):
        there.put_outputs(0, [np.ones((1, 7), np.float32), np.ones(4, np.int8)])
