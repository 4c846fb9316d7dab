"""Archives among the files of a data set, which are not opened: its images or annotations may be in them."""

from __future__ import annotations

from pathlib import Path

from train.dataset.examples.image_files import walk

_SUFFIXES = (".zip", ".rar", ".7z", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_LISTED = 3


def is_packed(path: Path) -> bool:
    """Whether the name of `path` is that of an archive."""
    return path.name.lower().endswith(_SUFFIXES)


def advice(folder: Path) -> str:
    """Returns what to do about the archives below `folder`, to end a message with; empty if there are none."""
    found = [str(file.name) for file in walk(folder) if is_packed(file.name)]
    if not found:
        return ""
    shown = ", ".join(found[:_LISTED]) + (f" and {len(found) - _LISTED} more" if len(found) > _LISTED else "")
    if len(found) == 1:
        give = "give that file, or " if found[0].lower().endswith(".zip") else ""
        return f"; {shown} in it is not opened: {give}unpack it there"
    return f"; {shown} in it are not opened: unpack them there"
