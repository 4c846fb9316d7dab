"""The paths of the kit on a device. The installer makes these folders, the updater fills them, the runtime reads them.

    /etc/edge-detector/runtime.yaml         options of the runtime (`file`, `source`, `health`, ...)
    /etc/edge-detector/update.yaml          options of the updater (`repository`, `group`, ...)
    /etc/edge-detector/root.json            the TUF root that is trusted at first
    /run/edge-detector/health.json          the health of the runtime; gone after a restart of the machine
    /var/lib/edge-detector/models/RELEASE/  a model, complete and tested: detector.tflite, labels.txt, ...
                                            and comparison.json of the runtime, where it was held
    /var/lib/edge-detector/models/current   a link to the RELEASE that runs
    /var/lib/edge-detector/shadow           a link to the RELEASE that is held back until it has been compared, if any
    /var/lib/edge-detector/update/          files of the updater: state.json, releases.json, lock, metadata/, incoming/

One user owns /var/lib/edge-detector and runs both the runtime and the updater. The updater sends SIGHUP to the
runtime when there is a new model. Neither needs root.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Union

# The user and group that own `state` and `run`.
USER = "edge-detector"

CONFIG = Path("/etc/edge-detector")
STATE = Path("/var/lib/edge-detector")
RUN = Path("/run/edge-detector")

# What the installer puts on a device.
EDK = Path("/opt/edge-detector/venv/bin/edk")

# The name of a release's model, whichever file of an export it is.
MODEL = "detector.tflite"


@dataclass(frozen=True)
class Layout:
    """The folders of one device."""

    config: Path = CONFIG
    state: Path = STATE
    run: Path = RUN

    @classmethod
    def under(cls, root: Union[str, os.PathLike[str]]) -> Layout:
        """The same folders below `root`, the root folder of a system image."""
        return cls(*(Path(root, path.relative_to("/")) for path in (CONFIG, STATE, RUN)))

    @property
    def runtime_config(self) -> Path:
        """The options of `python -m runtime`."""
        return self.config / "runtime.yaml"

    @property
    def update_config(self) -> Path:
        """The options of `python -m devices.update`."""
        return self.config / "update.yaml"

    @property
    def trusted_root(self) -> Path:
        """The TUF root that came with the installation; the updater reads it the first time."""
        return self.config / "root.json"

    @property
    def health(self) -> Path:
        """The health file that the runtime writes (`--health`)."""
        return self.run / "health.json"

    @property
    def models(self) -> Path:
        """The folder of all releases."""
        return self.state / "models"

    @property
    def current(self) -> Path:
        """The link to the release that runs."""
        return self.models / "current"

    @property
    def model(self) -> Path:
        """The model that runs, by the link `current`."""
        return self.current / MODEL

    @property
    def shadow(self) -> Path:
        """The link to the release that is held back; not beside `current`, where a release may have any name."""
        return self.state / "shadow"

    @property
    def update(self) -> Path:
        """The folder of the updater's own files."""
        return self.state / "update"
