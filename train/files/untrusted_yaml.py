"""Reading of untrusted YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent
from yaml.nodes import Node, ScalarNode, SequenceNode

from runtime.common.errors import InputError
from train.files import untrusted_bytes

# A list of ten thousand classes has 250 KB and takes the parser a second.
MAX_BYTES = 512 << 10


class _TextLoader(yaml.BaseLoader):
    """Keeps every scalar as text (a class may be called `no` or `007`) and refuses aliases of nested data.

    An alias of a text or of a list of texts adds no more than what it names; nested ones could grow without limit.
    """

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(AliasEvent):
            # types-PyYAML leaves peek_event untyped.
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            if not _is_flat(self.anchors.get(event.anchor)):
                mark: yaml.Mark = event.start_mark
                raise ConstructorError(None, None, "it has aliases of nested data, which are refused", mark)
        return super().compose_node(parent, index)


def _is_flat(node: Node | None) -> bool:
    """Returns True for a scalar, a list of scalars, and an anchor that does not exist, which has its own error."""
    if isinstance(node, SequenceNode):
        return all(isinstance(item, ScalarNode) for item in node.value)
    return node is None or isinstance(node, ScalarNode)


def read(path: Path, name: str) -> Any:
    """Returns the contents of the YAML file at `path` as dictionaries, lists and strings.

    Error messages call the file `name`. Raises InputError if it cannot be read, is not YAML, is too large,
    or has aliases of nested data.
    """
    data = untrusted_bytes.read(path, name, MAX_BYTES, "a description of a data set")
    try:
        return yaml.load(data, Loader=_TextLoader)
    except RecursionError as error:
        raise InputError(f"{name}: not YAML of this kind: lists are nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
