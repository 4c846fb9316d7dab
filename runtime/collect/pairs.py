"""The files of collected images: an image and its annotation are there both, or neither."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

from runtime.collect import annotation
from runtime.collect.annotation import Origin
from runtime.common.files import sync

IMAGES, ANNOTATIONS = "images", "annotations"

# The names that files have until both halves are on the disk, and again while they are removed.
_PENDING = re.compile(r"\.(.+)\.pending(\.jpg|\.xml)")
# Where labelling tools write what a person says of `images/NAME.jpg`.
_LABELS = (
    f"{IMAGES}/{{}}.txt", f"{IMAGES}/{{}}.json", f"{IMAGES}/{{}}.xml", f"{ANNOTATIONS}/{{}}.txt",
    f"{ANNOTATIONS}/{{}}.json", "labels/{}.txt", "labels/{}.json",
)  # fmt: skip

# Images that an annotation of that name would be taken to be of.
_OTHER_IMAGES = (".jpeg", ".JPG", ".JPEG", ".png", ".PNG", ".bmp", ".webp")


class Pairs:
    """`images/NAME.jpg` and `annotations/NAME.xml` in a folder, which may hold other files.

    Only a pair whose annotation is as it was written here is ever removed. An image or an annotation alone, or one that a
    person has labelled, belongs to somebody else.
    """

    def __init__(self, folder: Path) -> None:
        """Completes or removes what a power cut has left. Raises OSError."""
        self._folder = folder
        for part in (IMAGES, ANNOTATIONS):
            for path in sorted((folder / part).iterdir()) if (folder / part).is_dir() else ():
                found = _PENDING.fullmatch(path.name)
                if found and path.suffix == (".jpg" if part == IMAGES else ".xml"):
                    self._recover(found[1], path)

    def own(self) -> Iterator[Tuple[str, Origin, int]]:
        """The name, origin and bytes of each pair that may be removed."""
        for path in sorted((self._folder / ANNOTATIONS).glob("[!.]*.xml")):
            origin = self._origin(path.stem)
            if origin is not None:
                yield path.stem, origin, path.stat().st_size + self._image(path.stem).stat().st_size

    def free_name(self, name: str) -> str:
        """`name`, or another where a file of that name is there, of whatever kind."""
        number, made = 1, name
        while self._is_taken(made):
            number += 1
            made = f"{name}_{number}"
        return made

    def write(self, name: str, image: bytes, xml: bytes) -> None:
        """Writes both files durably. Raises OSError, and leaves neither then."""
        pairs = ((self._image(name), image), (self._annotation(name), xml))
        moved: List[Path] = []
        try:
            for path, data in reversed(pairs):
                path.parent.mkdir(parents=True, exist_ok=True)
                pending = _pending(path)
                pending.write_bytes(data)
                sync(pending)
            # The annotation last. Until then its other name says whose the image is.
            for path, _ in pairs:
                os.replace(_pending(path), path)
                moved.append(path)
                sync(path.parent)
        except BaseException:
            for path in (*moved, *(_pending(path) for path, _ in pairs)):
                with contextlib.suppress(OSError):
                    path.unlink()
            raise

    def remove(self, name: str) -> bool:
        """Removes both files; False where they are no longer only this run's. Raises OSError."""
        if self._origin(name) is None:
            return False
        image, xml = self._image(name), self._annotation(name)
        os.replace(xml, _pending(xml))
        image.unlink()
        _pending(xml).unlink()
        return True

    def _recover(self, name: str, pending: Path) -> None:
        image, xml = self._image(name), self._annotation(name)
        if pending.suffix == ".xml" and image.exists() and not xml.exists() and annotation.read(pending) is not None:
            os.replace(pending, xml)
        else:
            pending.unlink(missing_ok=True)

    def _origin(self, name: str) -> Optional[Origin]:
        if self._is_labelled(name) or not self._image(name).is_file():
            return None
        return annotation.read(self._annotation(name))

    def _is_taken(self, name: str) -> bool:
        others = (self._folder / IMAGES / f"{name}{suffix}" for suffix in _OTHER_IMAGES)
        return any(path.exists() for path in (self._image(name), self._annotation(name), *others)) or self._is_labelled(name)

    def _is_labelled(self, name: str) -> bool:
        return any((self._folder / label.replace("{}", name)).exists() for label in _LABELS)

    def _image(self, name: str) -> Path:
        return self._folder / IMAGES / f"{name}.jpg"

    def _annotation(self, name: str) -> Path:
        return self._folder / ANNOTATIONS / f"{name}.xml"


def _pending(path: Path) -> Path:
    return path.with_name(f".{path.stem}.pending{path.suffix}")
