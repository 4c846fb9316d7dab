"""Keeps the comparison of a release that is held, so that it goes on after a restart of the run or of the machine.

    models/2025.12/comparison.json  {"comparison": {"id": ..., "frames": 5210, ...}, "against": [4821034, 1764038400000000000]}

It lies in the folder of the release, and goes with it. It is written every SAVE_SECONDS and at the end of the run, and not
flushed to the disk: 288 small files a day at the most, and only while a release is compared. What a power cut costs is what was
counted since, some minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import List, Optional

from runtime.telemetry.comparison import Comparison, release_folder

NAME = "comparison.json"
SAVE_SECONDS = 300.0


def save(comparison: Comparison) -> None:
    """Keeps it, where the second model is of a release and nothing is wrong. A disk that is full or read-only changes nothing.

    One thread at a time may call it.
    """
    folder = release_folder(comparison.model)
    if folder is None or comparison.error or not comparison.frames:
        return
    temporary = folder / f".{NAME}"
    try:
        text = json.dumps({"comparison": comparison.as_dict(), "against": _identity(comparison.against)})
        # The folder is never made: the updater may just have removed the release.
        temporary.write_text(text + "\n", encoding="utf-8")
        os.replace(temporary, folder / NAME)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()


def load(model: str, sha256: str, against: str) -> Optional[Comparison]:
    """What was kept of the file `model` with this hash and the first model `against`; None where there is nothing of just these."""
    folder = release_folder(model)
    if folder is None or not sha256:
        return None
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        kept = Comparison.of(content["comparison"])
        same = (kept.model, kept.sha256, kept.against, content["against"]) == (model, sha256, against, _identity(against))
        return kept if same else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def forget_others(comparison: Comparison) -> None:
    """Removes what was kept of another comparison of this release: that one is over, and has been told of."""
    folder = release_folder(comparison.model)
    if folder is None:
        return
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if content["comparison"]["id"] == comparison.id:
            return
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        pass
    with contextlib.suppress(OSError):
        forget(folder)


def forget(folder: Path) -> None:
    """Has the next comparison of the release in `folder` begin anew. Raises OSError."""
    (folder / NAME).unlink(missing_ok=True)


def _identity(file: str) -> List[int]:
    """The size of a file, and its time in nanoseconds: no two models of one path have both."""
    status = os.stat(file)
    return [status.st_size, status.st_mtime_ns]
