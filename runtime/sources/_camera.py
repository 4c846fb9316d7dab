"""Camera settings, as in `0,size=1280x720,fps=30`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence, Tuple

from runtime.common import settings
from runtime.common.settings import Reader


@dataclass(frozen=True)
class CameraSettings:
    """The settings that a user asks for; None leaves the camera's default.

    `size` is (width, height) in pixels, `fps` is frames per second, `format` a FourCC such as MJPG, `camera`
    the number of the camera from 0, `flip` one of "", "h", "v", "hv".
    """

    size: Optional[Tuple[int, int]] = None
    fps: Optional[float] = None
    format: Optional[str] = None
    camera: int = 0
    flip: str = ""


def parse(spec: str, known: Sequence[str]) -> Tuple[str, CameraSettings]:
    """The camera's name and the settings in `spec`. Only settings in `known` are allowed. Raises InputError."""
    name, found = settings.parse(spec, {key: _READERS[key] for key in known})
    return name, CameraSettings(**found)


def _size(text: str) -> Tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match or not all(int(side) for side in match.groups()):
        raise ValueError("a size is WIDTHxHEIGHT in pixels, as in 1280x720")
    return int(match[1]), int(match[2])


def _fps(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", text) or not float(text):
        raise ValueError("frames per second must be a number over 0")
    return float(text)


def _format(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{4}", text):
        raise ValueError("a format is four letters, as in MJPG or YUYV")
    return text.upper()


def _camera(text: str) -> int:
    if not re.fullmatch(r"\d{1,2}", text):
        raise ValueError("cameras are numbered from 0")
    return int(text)


def _flip(text: str) -> str:
    if text not in ("h", "v", "hv", "vh"):
        raise ValueError("h mirrors, v turns upside down, hv turns by 180 degrees")
    return "".join(sorted(text))


_READERS: Mapping[str, Reader] = {"size": _size, "fps": _fps, "format": _format, "camera": _camera, "flip": _flip}
