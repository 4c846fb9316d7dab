from __future__ import annotations

import numpy as np
import pytest

from runtime.frames.motion import MotionGate


def scene(seed=0, height=240, width=320):
    """A noisy image of a gray wall."""
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 3))
    return np.clip(120 + noise, 0, 255).astype(np.uint8)


def test_noise_is_no_motion_and_a_thing_that_comes_in_is():
    gate = MotionGate()
    assert gate.has_motion(scene(0)), "the first frame is looked at"
    assert not any(gate.has_motion(scene(seed)) for seed in range(1, 20))
    image = scene(30)
    image[100:130, 200:220] = 255
    assert gate.has_motion(image)
    image = scene(31)
    image[100:130, 210:230] = 255
    assert gate.has_motion(image)


def test_static_objects_become_background():
    gate = MotionGate()
    gate.has_motion(scene(0))
    image = scene(1)
    image[50:150, 50:150] = 255
    moved = [gate.has_motion(image) for _ in range(100)]
    assert moved[0] and not moved[-1]
    assert moved == sorted(moved, reverse=True)


@pytest.mark.parametrize("sign", [1, -1])
def test_light_that_changes_slowly_is_followed(sign):
    gate, walls = MotionGate(), [scene(seed, 60, 80).astype(int) for seed in range(10)]
    gate.has_motion(scene(0, 60, 80))
    # From 120 to 220 or 20, four times what a pixel may differ.
    for step in range(200):
        image = np.clip(walls[step % 10] + sign * step // 2, 0, 255).astype(np.uint8)
        assert not gate.has_motion(image)
    assert gate.has_motion(scene(0, 60, 80)), "light that changes at once is motion"


def test_a_share_of_the_image():
    image = scene(1)
    image[:120] = 255
    for share, moves in ((0.4, True), (0.6, False)):
        gate = MotionGate(share)
        gate.has_motion(scene(0))
        assert gate.has_motion(image) is moves


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 4000), (4000, 3)])
def test_any_size_and_a_size_that_changes(height, width):
    gate = MotionGate()
    assert gate.has_motion(scene(0, height, width))
    assert not gate.has_motion(scene(0, height, width))
    assert gate.has_motion(scene(0))
