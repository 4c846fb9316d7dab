"""Process pools: SIGINT interrupts only the process that started them."""

from __future__ import annotations

import os
import signal

import pytest

from train.files.processes import cores, executor


@pytest.fixture
def handled_interrupts():
    """Python's own handler of SIGINT; a background job of a shell inherits that the signal is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_reaches_this_process_alone(handled_interrupts):
    with executor(2) as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
        assert pool.submit(os.getpid).result() != os.getpid()
    assert signal.getsignal(signal.SIGINT) == handled_interrupts


def test_one_worker_is_this_process():
    with executor(1) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()
    assert cores() >= 1
