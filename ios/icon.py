"""`python ios/icon.py`: draw the sample app's icon, a box around an object.

App Store Connect takes an icon of 1024 x 1024 pixels without transparency.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

SIDE = 1024
TARGET = Path(__file__).resolve().parent / "App" / "Assets.xcassets" / "AppIcon.appiconset" / "icon.png"
# Blue, green, red.
BACKGROUND, OBJECT, BOX = (64, 36, 18), (96, 200, 250), (120, 230, 60)


def draw() -> np.ndarray:
    """The icon as (1024, 1024, 3), uint8, BGR."""
    image = np.full((SIDE, SIDE, 3), BACKGROUND, np.uint8)
    cv2.circle(image, (512, 512), 190, OBJECT, -1, cv2.LINE_AA)
    low, high, length = 212, 812, 170
    for x, inner_x in ((low, length), (high, -length)):
        for y, inner_y in ((low, length), (high, -length)):
            cv2.line(image, (x, y), (x + inner_x, y), BOX, 56)
            cv2.line(image, (x, y), (x, y + inner_y), BOX, 56)
    return image


def main() -> int:
    """Runs the command."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    ok, data = cv2.imencode(".png", draw(), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert ok
    TARGET.write_bytes(data.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
