"""Reading of untrusted YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent
from yaml.nodes import Node

from runtime.common.errors import InputError
from train.files import untrusted_bytes

# A list of ten thousand classes has 250 KB and takes the parser a second.
MAX_BYTES = 512 << 10


class _TextLoader(yaml.BaseLoader):
    """Keeps every scalar as text (a class may be called `no` or `007`) and refuses aliases.

    Without aliases the loaded data cannot be larger than the file.
    """

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(AliasEvent):
            # types-PyYAML leaves peek_event untyped.
            mark: yaml.Mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ConstructorError(None, None, "it has aliases, which are refused", mark)
        return super().compose_node(parent, index)


def read(path: Path, name: str) -> Any:
    """Returns the contents of the YAML file at `path` as dictionaries, lists and strings.

    Error messages call the file `name`. Raises InputError if it cannot be read, is not YAML, is too large,
    or has aliases.
    """
    data = untrusted_bytes.read(path, name, MAX_BYTES, "a description of a data set")
    try:
        return yaml.load(data, Loader=_TextLoader)
    except RecursionError as error:
        raise InputError(f"{name}: not YAML of this kind: lists are nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
