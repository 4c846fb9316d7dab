"""The manifest of an installation: what it has made, so that exactly that can be removed again.

An entry is written before the thing itself is made. So the manifest is complete wherever the installation ends, even
by a power cut.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Mapping, Optional

from runtime.common.errors import InputError
from runtime.common.files import atomic_path

# The version of the file format; files of other versions are refused.
VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One thing that was made.

    `kind` is "file", "folder" and so on, `name` is mostly a path, and `facts` is what is needed to remove it.
    """

    kind: str
    name: str
    facts: Mapping[str, Any]


class Manifest:
    """The entries of one installation, in the order in which the things were made."""

    def __init__(self, path: Path) -> None:
        """Reads `path` if it exists. Raises InputError where it is no manifest."""
        self.path = path
        self.entries: List[Entry] = []
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                raise InputError(f"{path}: is version {content['version']} of the manifest, this kit knows {VERSION}")
            self.entries = [Entry(item["kind"], item["name"], item["facts"]) for item in content["made"]]
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: is no manifest of an installation: {error}") from error

    def find(self, kind: str, name: str) -> Optional[Entry]:
        """The entry of a kind and a name; None where there is none."""
        return next((entry for entry in self.entries if (entry.kind, entry.name) == (kind, name)), None)

    def record(self, kind: str, name: str, **facts: Any) -> None:
        """Adds an entry, or replaces the one of the same kind and name."""
        entry = Entry(kind, name, facts)
        known = self.find(kind, name)
        if known == entry:
            return
        if known is None:
            self.entries.append(entry)
        else:
            self.entries[self.entries.index(known)] = entry
        self._write()

    def forget(self, entry: Entry) -> None:
        """Removes an entry, and the file with the last one."""
        self.entries.remove(entry)
        if self.entries:
            self._write()
        else:
            self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        made = [{"kind": entry.kind, "name": entry.name, "facts": dict(entry.facts)} for entry in self.entries]
        with atomic_path(self.path, 0o644) as temporary:
            temporary.write_text(json.dumps({"version": VERSION, "made": made}, indent=1) + "\n", encoding="utf-8")
