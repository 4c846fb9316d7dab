from __future__ import annotations

import time

import numpy as np
import pytest

from runtime import Frame
from runtime.events.still import encode
from runtime.events.store import Budget, Store
from runtime.events.writer import Writer
from runtime.media import h264


def test_a_clip_stays_within_the_budget_while_it_is_written(tmp_path):
    if not h264.available():
        pytest.skip("needs PyAV")
    draw = np.random.default_rng(0)
    # Noise takes more bytes in the video than as JPEG.
    stills = [encode(Frame(draw.integers(0, 256, (240, 320, 3), np.uint8), at, at / 10), 1280) for at in range(25)]
    store = Store(tmp_path, Budget(megabytes=1))
    writer = Writer(store, 10.0)
    writer.begin("20261130T000000.000Z_1c", stills[:2])
    for still in stills[2:]:
        writer.add(still)
    while writer.lost_frames + (writer._clip.frames if writer._clip else 0) < len(stills):
        time.sleep(0.005)
    (clip,) = tmp_path.glob(".2*.mp4")
    # Also with what its end adds.
    writer._clip.close()
    assert writer.lost_frames > 0 and 500_000 < clip.stat().st_size <= 1_000_000
    assert writer.end(10)
    store.close()
