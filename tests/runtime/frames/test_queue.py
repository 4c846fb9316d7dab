from __future__ import annotations

import argparse
import threading

import numpy as np
import pytest

from runtime import Frame
from runtime.frames.queue import BLOCK, LATEST, Arrival, FrameQueue, Policy, policy


def arrival(index):
    return Arrival(Frame(np.zeros((1, 1, 3), np.uint8), index), 0.0, 0.0)


def filled(kind, count):
    dropped = []
    queue = FrameQueue(kind, lambda: dropped.append(1))
    for index in range(count):
        queue.put(arrival(index))
    queue.close()
    taken = [found.frame.index for found in iter(queue.take, None)]
    return taken, len(dropped)


def test_the_newest_frames_stay():
    assert filled(LATEST, 5) == ([4], 4)
    assert filled(Policy("drop-oldest", 3), 5) == ([2, 3, 4], 2)
    assert filled(Policy("drop-oldest", 3), 2) == ([0, 1], 0)
    assert filled(BLOCK, 0) == ([], 0)


def test_blocking_loses_nothing_and_keeps_the_order():
    queue = FrameQueue(BLOCK, lambda: pytest.fail("dropped"))

    def work():
        for index in range(50):
            queue.put(arrival(index))
        queue.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert [found.frame.index for found in iter(queue.take, None)] == list(range(50))
    thread.join()


def test_a_source_that_waits_for_room_gets_it_when_the_queue_is_empty(monkeypatch):
    queue = FrameQueue(BLOCK, lambda: pytest.fail("dropped"))
    for index in range(BLOCK.size):
        queue.put(arrival(index))
    seen = []

    def wait_for(has_room):
        seen.append(has_room())
        while queue.waiting:
            queue.take()
            seen.append(has_room())

    monkeypatch.setattr(queue._emptied, "wait_for", wait_for)
    queue.put(arrival(BLOCK.size))
    assert seen == [False] * BLOCK.size + [True]
    assert queue.take().frame.index == BLOCK.size


def test_closing_ends_all_waits():
    queue = FrameQueue(BLOCK, lambda: None)
    for index in range(BLOCK.size):
        queue.put(arrival(index))
    threads = [threading.Thread(target=queue.put, args=(arrival(9),))]
    empty = FrameQueue(LATEST, lambda: None)
    threads.append(threading.Thread(target=empty.take))
    for thread in threads:
        thread.start()
    queue.close()
    empty.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    queue.put(arrival(10))
    assert [found.frame.index for found in iter(queue.take, None)] == [0, 1]


def test_names_of_policies():
    assert policy("latest") == LATEST and policy("block") == BLOCK
    assert policy("drop-oldest").size == 4 and policy("drop-oldest:8") == policy("drop-oldest 8") == Policy("drop-oldest", 8)
    for text in ("", "newest", "latest:3", "drop-oldest:0", "drop-oldest:x"):
        with pytest.raises(argparse.ArgumentTypeError):
            policy(text)
