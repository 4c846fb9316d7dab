"""The device nodes of GPUs and NPUs, by which delegate libraries reach them; see `runtime.inference.engines.delegate`.

The names are those of the drivers: Linux's own DRM and accel subsystems (render nodes of Mali, Adreno and PC GPUs, of
Rockchip's NPU; accelN), and the makers' drivers beside them. Graphics cards' other nodes (cardN), which drive screens,
are not among them.
"""

from __future__ import annotations

from dataclasses import replace

from devices.boards.profile import Profile

# A GPU beside an NPU, or a GPU beside that of the processor.
_SEVERAL = 4

NODES = (
    *(f"/dev/dri/renderD{number}" for number in range(128, 128 + _SEVERAL)),
    *(f"/dev/accel/accel{number}" for number in range(_SEVERAL)),
    "/dev/mali0",
    "/dev/kgsl-3d0",
    "/dev/galcore",
    "/dev/rknpu",
    "/dev/ethosu0",
    "/dev/apusys",
    "/dev/hailo0",
    "/dev/adsprpc-smd",
    "/dev/fastrpc-cdsp",
)
# Memory that a chip and the processor share.
BUFFERS = ("char-dma_heap", "/dev/ion")

# udev gives render nodes to `render`, and most of the others to `video`.
GROUPS = ("video", "render")


def with_delegate(profile: Profile, device: str = "") -> Profile:
    """The profile for a machine whose user has chosen `engine: delegate`, with the library `device`."""
    return replace(
        profile,
        engine="delegate",
        device=device,
        delegate_devices=profile.delegate_devices or (*NODES, *BUFFERS),
        groups=tuple(dict.fromkeys((*profile.groups, *GROUPS))),
    )
