"""The folders of one device's releases, and the link to the one that runs.

models/RELEASE/           a release, complete and tested
models/current            a link to the release that runs
shadow                    a link to the release that is held back, where one is
update/incoming/RELEASE/  a release that is being downloaded
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Collection, Container, Sequence

from devices.host import fsync_files
from devices.host.paths import MODEL, Layout
from devices.releases.release import NAME, Release, ReleaseFile, golden_of
from devices.update.tuf_client import Refused
from runtime.common.errors import KitError

# Left free beside what is downloaded, for logs and for the updater's own files.
RESERVE_BYTES = 16 << 20


class ReleaseStore:
    """The releases in the folders of `layout`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def current(self) -> str:
        """The name of the release that runs; empty where none does."""
        try:
            return os.readlink(self._layout.current).rstrip("/")
        except OSError:
            return ""

    def folder(self, name: str) -> Path:
        """The folder of a release that is complete."""
        return self._layout.models / name

    def incoming(self, name: str) -> Path:
        """The folder into which a release is downloaded."""
        return self._layout.update / "incoming" / name

    def is_complete(self, name: str) -> bool:
        """Whether the folder of a release exists; it is moved there only once it is complete."""
        return bool(name) and (self.folder(name) / MODEL).exists()

    def set_current(self, name: str) -> None:
        """Makes `name` the release that runs, in one step."""
        fsync_files.link(self._layout.current, name)

    def set_shadow(self, name: str) -> None:
        """Makes `name` the release that is held back, in one step; empty for none."""
        path, target = self._layout.shadow, f"{self._layout.models.name}/{name}" if name else ""
        if (os.readlink(path) if path.is_symlink() else "") == target:
            return
        if name:
            fsync_files.link(path, target)
        else:
            path.unlink()
            fsync_files.sync_folder(path.parent)

    def remove(self, name: str) -> None:
        """Removes a release. It is moved away first, so that a power cut never leaves half of it under its name."""
        removed = self.incoming(name)
        removed.parent.mkdir(exist_ok=True)
        shutil.rmtree(removed, ignore_errors=True)
        os.replace(self.folder(name), removed)
        fsync_files.sync_folder(self._layout.models)
        shutil.rmtree(removed)

    def clean_up(self) -> None:
        """Makes the folder of the releases, and removes temporary files that a kill or a power cut left behind."""
        self._layout.models.mkdir(parents=True, exist_ok=True)
        links = [*self._layout.models.glob(".current.*"), *self._layout.state.glob(f".{self._layout.shadow.name}.*")]
        for leftover in [*links, *self._layout.update.glob(".*.*")]:
            leftover.unlink()

    def prepare(self, name: str, release: Release, kind: str, description: bytes) -> None:
        """Completes a downloaded release: its `release.json`, and the names that the runtime and the self-test expect."""
        folder = self.incoming(name)
        fsync_files.write(folder / NAME, description)
        for leftover in folder.glob(".*"):
            leftover.unlink()
        fsync_files.write(folder / "golden.json", (folder / golden_of(kind)).read_bytes())
        fsync_files.link(folder / MODEL, release.models[kind])

    def move_in(self, name: str, in_use: Container[str]) -> None:
        """Moves a downloaded release to its final folder, in one step.

        Raises KitError where a different release of this name is there and is among those `in_use`.
        """
        incoming, final = self.incoming(name), self.folder(name)
        if final.exists():
            # It has the same name, but other content than is signed now, or it is incomplete.
            if name in in_use and self.is_complete(name):
                raise KitError(f"{final}: runs, and is not what is published under that name; publish a new release")
            shutil.rmtree(final)
        fsync_files.sync_tree(incoming)
        os.replace(incoming, final)
        fsync_files.sync_folder(self._layout.models)

    def discard_downloads(self) -> None:
        """Removes everything that was downloaded and not moved in."""
        shutil.rmtree(self._layout.update / "incoming", ignore_errors=True)

    def discard_other_downloads(self, name: str) -> None:
        """Removes the downloads of other releases than `name`."""
        for path in (self._layout.update / "incoming").glob("*"):
            if path.name != name:
                shutil.rmtree(path, ignore_errors=True)

    def check_space(self, name: str, files: Sequence[ReleaseFile], limit: int) -> None:
        """Checks that the `files` of the release `name` fit.

        Raises Refused where they need more than `limit` bytes, KitError where the disk has too little space.
        """
        needed = sum(file.bytes for file in files)
        if needed > limit:
            raise Refused(f"the release needs {needed >> 20} MB; at most {limit >> 20} MB are taken (--limit)")
        paths = (path for path in self.incoming(name).glob("*") if path.is_file() and not path.is_symlink())
        missing = needed - sum(path.stat().st_size for path in paths)
        free = shutil.disk_usage(self._layout.update).free
        if free < missing + RESERVE_BYTES:
            raise KitError(
                f"{self._layout.update}: {free >> 20} MB are free, the release needs {max(missing, 0) >> 20} MB and "
                f"{RESERVE_BYTES >> 20} MB stay free; make room"
            )

    def previous(self, unwanted: Container[str]) -> str:
        """The newest complete release beside the one that runs, without those `unwanted`; empty where there is none."""
        paths = [path for path in self._layout.models.iterdir() if path.is_dir() and not path.is_symlink()]
        others = [path for path in paths if path.name not in unwanted and self.is_complete(path.name)]
        others = [path for path in others if path.name != self.current]
        # Not by the time of the folder: the runtime keeps in it what it compares.
        return max(others, key=lambda path: (path / MODEL).lstat().st_mtime).name if others else ""

    def prune(self, kept: Collection[str]) -> None:
        """Removes all releases but those `kept`."""
        for path in self._layout.models.iterdir():
            if path.name not in kept and not path.is_symlink() and (path / NAME).is_file():
                self.remove(path.name)
