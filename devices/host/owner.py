"""Whose the models of this device are: one user runs both the runtime and the updater, and must be able to change all of it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Sequence

from devices.host.paths import EDK, STATE, USER, Layout
from runtime.common.errors import InputError


def check(layout: Layout, arguments: Sequence[str], edk: Path = EDK) -> None:
    """Raises InputError, with the command to run instead, where the models are the service's, and another user would change them.

    What root wrote there, the service could not change any more. `arguments` are those of `edk update`, and `edk` is the
    installed program.
    """
    try:
        import pwd

        owner = layout.state.stat().st_uid
        if owner == os.geteuid() or pwd.getpwuid(owner).pw_name != USER:
            return
    except (ImportError, OSError, KeyError):
        # Not Linux, no folder yet, or a user without a name.
        return
    words = [*([str(edk), "update"] if edk.exists() else [sys.executable, "-m", "devices.update"]), *arguments]
    if layout.state == STATE and layout.update_config.exists() and not any(word.startswith("--config") for word in arguments):
        words += ["--config", str(layout.update_config)]
    raise InputError(f"{layout.state}: belongs to {USER}, who runs the updates here; sudo -u {USER} {shlex.join(words)}")
