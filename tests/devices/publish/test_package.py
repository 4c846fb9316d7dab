"""Which images a published model's self-test gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.publish import package
from runtime.common.errors import InputError
from runtime.common.values import Box, Detection

SURE = Detection("cell", 0, 0.8, Box(10, 10, 50, 50))
UNSURE = Detection("cell", 0, 0.45, Box(10, 10, 50, 50))


class Reference:
    """One that finds by an image's name; in crowded ones the machine's engine finds something else."""

    def image(self, source):
        return source.stem

    def expected(self, image):
        return {"empty": (), "faint": (UNSURE,)}.get(image, (SURE, UNSURE))

    def differences(self, image, expected):
        return ["did not find cell (0.80) at 10, 10, 50, 50"] if image == "crowded" else []


def telling(*names):
    return [path.stem for path in package._informative([Reference()], [Path(f"{name}.png") for name in names], Path("run"))]


def test_only_images_that_sound_devices_agree_on():
    assert telling("empty", "a", "crowded", "faint", "b", "c", "d") == ["a", "b", "c"]
    assert telling("crowded", "a") == ["a"]


def test_none_that_tells_is_said_with_a_reason():
    with pytest.raises(InputError, match=r"none of 2 images .*crowded.png: did not find cell .*--images"):
        telling("crowded", "empty")
    with pytest.raises(InputError, match=r"none of 0 images .*no image"):
        telling()
