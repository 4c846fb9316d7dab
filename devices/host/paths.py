"""Where things lie on a device. The installer makes these folders, the updater fills them, the runtime
reads them.

    /etc/edge-detector/runtime.yaml         what the runtime is told (`file`, `source`, `health`, ...)
    /etc/edge-detector/update.yaml          what the updater is told (`repository`, `group`, ...)
    /etc/edge-detector/root.json            the keys that are trusted to begin with
    /run/edge-detector/health.json          how the runtime is doing; gone after a restart of the machine
    /var/lib/edge-detector/models/RELEASE/  a model, whole and tested: detector.tflite, labels.txt, ...
    /var/lib/edge-detector/models/current   a link to the RELEASE that runs
    /var/lib/edge-detector/update/          the updater's own: state.json, lock, metadata/, incoming/

One user owns /var/lib/edge-detector and runs both the runtime and the updater, which tells the
runtime of a new model by SIGHUP. Nothing of it needs root.
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

# What a release's model is called, whichever of an export's files it is.
MODEL = "detector.tflite"


@dataclass(frozen=True)
class Layout:
    """The folders of one device. `under` puts them below another root, for images of a system."""

    config: Path = CONFIG
    state: Path = STATE
    run: Path = RUN

    @classmethod
    def under(cls, root: Union[str, os.PathLike]) -> Layout:
        """The same folders in a system whose root folder is `root`."""
        return cls(*(Path(root, path.relative_to("/")) for path in (CONFIG, STATE, RUN)))

    @property
    def runtime_config(self) -> Path:
        return self.config / "runtime.yaml"

    @property
    def update_config(self) -> Path:
        return self.config / "update.yaml"

    @property
    def trusted_root(self) -> Path:
        """The TUF root that came with the installation; the updater takes it the first time."""
        return self.config / "root.json"

    @property
    def health(self) -> Path:
        """What `python -m runtime --health` writes."""
        return self.run / "health.json"

    @property
    def models(self) -> Path:
        return self.state / "models"

    @property
    def current(self) -> Path:
        """The link to the release that runs."""
        return self.models / "current"

    @property
    def model(self) -> Path:
        """What `python -m runtime` is given as its file."""
        return self.current / MODEL

    @property
    def update(self) -> Path:
        """The updater's own folder."""
        return self.state / "update"
