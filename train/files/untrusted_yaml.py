"""YAML files of strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from runtime.common.errors import InputError
from train.files import untrusted_bytes

# A list of ten thousand classes has 250 KB; the parser takes a second for it.
MAX_BYTES = 512 << 10


class _TextLoader(yaml.BaseLoader):
    """Keeps every value as the text that it is (a class may be called `no` or `007`) and knows no aliases.

    Without aliases nothing grows: what is loaded is no larger than the file.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            place = self.peek_event().start_mark
            raise yaml.constructor.ConstructorError(None, None, "it has aliases, which are refused", place)
        return super().compose_node(parent, index)


def read(path: Path, name: str) -> Any:
    """What is in the YAML file at `path`, which messages call `name`: dictionaries, lists and texts.

    Raises InputError where it cannot be read, is not YAML, is too large, or has aliases.
    """
    data = untrusted_bytes.read(path, name, MAX_BYTES, "a description of a data set")
    try:
        return yaml.load(data, Loader=_TextLoader)
    except RecursionError as error:
        raise InputError(f"{name}: not YAML of this kind: lists within lists without an end") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
