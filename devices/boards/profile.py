"""The profile of a device: its hardware, its operating systems, and how a detector runs best on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Optional, Tuple

# Pydantic's setting for these types: a field that is not theirs is an error.
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class System:
    """An operating system that runs on the device.

    `id` and `codename` are those of /etc/os-release (`debian`, `trixie`); a system without code names has an empty
    `codename`, which fits any. `python` is the system's own version, `interpreter` the package that runs .tflite files
    there (empty where there is none), `wheel` the tag of its wheel (PEP 425), and `note` a remark.
    """

    __pydantic_config__ = _STRICT

    name: str
    id: str
    bits: Literal[32, 64] = 64
    codename: str = ""
    python: str = ""
    interpreter: str = ""
    wheel: str = ""
    note: str = ""


@dataclass(frozen=True)
class Camera:
    """A camera stack of the device.

    `source` is the value of `python -m runtime --source`, empty on phones, where an app uses the camera; `packages`
    are the system's packages that it needs.
    """

    __pydantic_config__ = _STRICT

    stack: str
    source: str = ""
    packages: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Udev:
    """udev rules that let a group open a device: the name of the file in /etc/udev/rules.d, and its lines."""

    __pydantic_config__ = _STRICT

    file: str
    rules: Tuple[str, ...]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+\.rules", self.file):
            raise ValueError(f"{self.file!r} is no file name for udev rules, such as 60-name.rules")
        if not self.rules:
            raise ValueError("rules: give at least one line")


@dataclass(frozen=True)
class Expected:
    """The expected time of FPNLite 320 for one image, in milliseconds, without reading and drawing the image.

    `basis` is `measured` where this network was timed on this device, `estimated` where the time was derived from the
    published time of another network, and `unknown` where nothing was found. `how` describes it, and `sources` are
    the addresses of the figures. `low` and `high` are None where the time is unknown.
    """

    __pydantic_config__ = _STRICT

    basis: Literal["measured", "estimated", "unknown"]
    how: str
    low: Optional[float] = None
    high: Optional[float] = None
    sources: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.basis == "unknown":
            if self.low is not None or self.high is not None:
                raise ValueError("what is unknown has no low and no high")
            return
        if self.low is None or self.high is None:
            raise ValueError(f"what is {self.basis} needs low and high, in milliseconds")
        if not 0 < self.low <= self.high:
            raise ValueError(f"low {self.low:g} and high {self.high:g} are no span of milliseconds")
        if not self.sources:
            raise ValueError(f"what is {self.basis} needs sources")

    @property
    def text(self) -> str:
        """`63 to 122 ms (estimated)`, or `unknown`."""
        if self.low is None or self.high is None:
            return self.basis
        span = f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"
        return f"{span} ms ({self.basis})"


@dataclass(frozen=True)
class Profile:
    """A kind of device.

    `models` are the beginnings of the device tree's model, or of an entry of its "compatible", on this device; where
    they are empty, the profile is for any board with a processor of `machines`, by `uname -m`. `accelerator` is how an
    Edge TPU is connected, `delegate_devices` the GPUs and NPUs that a delegate library may open, as systemd's DeviceAllow
    names them. `file` is the file of an export that runs best, and `why` the reason; `engine`, `device`,
    `threads` and `source` are options of the runtime. `packages` are the system's packages to install, `groups` the
    groups of the service's user, and `udev` the rules that the hardware needs. `kind` is `linux` where the device runs
    `python -m runtime`, else an app runs on it.
    """

    __pydantic_config__ = _STRICT

    name: str
    title: str
    kind: Literal["linux", "android", "ios"]
    chip: str
    cpu: str
    cores: int
    memory: str
    systems: Tuple[System, ...]
    cameras: Tuple[Camera, ...]
    delegates: Tuple[str, ...]
    file: str
    why: str
    threads: int
    expected: Expected
    engine: str = "auto"
    device: str = ""
    source: str = ""
    models: Tuple[str, ...] = ()
    machines: Tuple[str, ...] = ()
    accelerator: Literal["", "usb", "pci"] = ""
    delegate_devices: Tuple[str, ...] = ()
    packages: Tuple[str, ...] = ()
    groups: Tuple[str, ...] = ()
    udev: Optional[Udev] = None
    notes: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"name {self.name!r} is not small letters, digits and - between them")
        if not 1 <= self.threads <= self.cores:
            raise ValueError(f"threads {self.threads} are not between 1 and the {self.cores} cores")
        if self.kind == "linux" and not self.machines:
            raise ValueError("machines: a Linux device needs the names that `uname -m` has for its processor")
        for name in self.delegate_devices:
            if not re.fullmatch(r"/dev/[\w./-]+|char-[\w*-]+", name):
                raise ValueError(f"delegate_devices: {name!r} is neither a node such as /dev/mali0 nor a group such as char-accel")
        if not self.systems:
            raise ValueError("systems: name at least one")
