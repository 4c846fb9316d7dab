"""Processes that read and write images are ended by the one that started them."""

from __future__ import annotations

import os
import signal

from train.files.processes import cores, executor


def test_an_interrupt_reaches_this_process_alone():
    before = signal.getsignal(signal.SIGINT)
    with executor(2) as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
        assert pool.submit(os.getpid).result() != os.getpid()
    assert signal.getsignal(signal.SIGINT) == before != signal.SIG_IGN


def test_one_worker_is_this_process():
    with executor(1) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()
    assert cores() >= 1
