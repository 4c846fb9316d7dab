"""A release as the publisher signed it: its description, and the targets that hold its files.

The updater reads releases with it, and the publisher reads back with it what devices are about to get.
"""

from __future__ import annotations

from devices.releases import channel
from devices.releases.release import MOST_BYTES, NAME, Release, ReleaseFile
from devices.releases.tuf_types import TargetFile
from devices.update.tuf_client import Refused, TufClient


class SignedRelease:
    """The release `name` of a group's channel. Raises Refused where nobody has signed for it.

    `data` is the content of its `release.json`.
    """

    def __init__(self, client: TufClient, group: str, name: str) -> None:
        self._client = client
        self._group = group
        self._name = name
        self._described = self._target(NAME)
        self.data: bytes = client.read(self._described, MOST_BYTES)

    def parse(self) -> Release:
        """The release. Raises KitError where it is no release, Refused where it is another one."""
        release = Release.parse(self.data, self._described.path)
        if release.name != self._name:
            raise Refused(f"{self._described.path}: is release {release.name}; the publisher has to publish it again")
        return release

    def target(self, file: ReleaseFile) -> TargetFile:
        """The target that holds a file. Raises Refused where it is not the file that the release lists."""
        target = self._target(file.name)
        if (target.length, target.hashes["sha256"]) != (file.bytes, file.sha256):
            raise Refused(f"{target.path}: is not the file that {NAME} lists")
        return target

    def _target(self, file: str) -> TargetFile:
        name = channel.release_target(self._group, self._name, file)
        target = self._client.target(name)
        if target is None or "sha256" not in target.hashes:
            raise Refused(f"{name}: nobody has signed for it; publish the release again")
        return target
