"""The runtime on this device, as the updater sees it: its health file, and the signal that makes it reload the model."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Callable, Optional

from devices.host import systemd_service
from devices.host.host import Host
from runtime.telemetry.health import Health


class RuntimeProcess:
    """The runtime that writes `health_file`, if one runs."""

    def __init__(self, health_file: Path, tell: Callable[[str], None]) -> None:
        self._health_file = health_file
        self._tell = tell

    def health(self) -> Optional[Health]:
        """The health of the runtime; None where none runs."""
        health = Health.read(self._health_file)
        return health if health is not None and health.is_fresh() else None

    def is_stopped(self) -> bool:
        """Whether the kit's service is installed here and somebody has stopped it."""
        return systemd_service.properties(Host()).get("ActiveState") == "inactive"

    def reload(self, model: Path) -> None:
        """Signals the runtime to load `model`, if one runs with another model."""
        health = self.health()
        if health is None or not _catches_hangup(health.pid):
            return
        if os.path.realpath(health.model) == os.path.realpath(model):
            return
        try:
            os.kill(health.pid, signal.SIGHUP)
        except ProcessLookupError:
            pass
        except PermissionError:
            self._tell(f"the runtime (process {health.pid}) belongs to another user and cannot be signalled to reload")


def _catches_hangup(pid: int) -> bool:
    """Whether a process does something of its own at SIGHUP, as far as the system shows it: any other would be ended by it.

    However a runtime was started, its command line need not say so.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return not Path("/proc/self").exists()
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (signal.SIGHUP - 1) & 1)
