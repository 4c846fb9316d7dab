"""Mutations for fuzz tests, reproducible by their seed: random bytes, and wrong values in valid files."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Callable
from xml.etree import ElementTree

from train.files import tf_example, tfrecord

TEXTS = (
    "", " ", "\n", "\0", "nan", "inf", "-1", "1e999", "0", "9" * 400, "../../evil.jpg", "/etc/passwd", "C:\\a\\..\\b.jpg",
    "p0.jpg", "cat", "x" * 3000, "\u202e\u0000\ud7ff", "{}", "[[", "&a", "*a", "!!python/object:os.system", "<!DOCTYPE a>",
    "%s%n", "'\"", ";,\t",
)  # fmt: skip
VALUES: tuple[Any, ...] = (None, True, -1, 0, 1 << 70, 0.5, 1e308, float("nan"), float("-inf"), [], {}, [[[]]], *TEXTS)
CHUNKS = (
    b"", b"<", b"&", b"\0", b"\xff\xfe", b"\n", b"\r", b"'", b'"', b"{", b"]", b":", b"-", b"9" * 400, b"&a ", b"*a ",
    b"<!ENTITY a 'b'>",
)  # fmt: skip


def flipped(data: bytes, rng: random.Random) -> bytes:
    """`data` with some bytes changed, removed, inserted or repeated, or cut off."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(found) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            found[at : at + rng.randint(0, 6)] = rng.choice(CHUNKS)
        elif kind == 2:
            found[at:at] = found[at : at + rng.randint(1, 60)]
        elif kind == 3:
            del found[at : at + rng.randint(1, 40)]
        elif rng.random() < 0.3:
            del found[at:]
    return bytes(found)


def json_file(data: bytes, rng: random.Random) -> bytes:
    """JSON with values anywhere in the tree replaced, removed or repeated."""
    tree = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        node = tree
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = rng.choice(keys)
            inside = node[key]
            if isinstance(inside, (dict, list)) and inside and rng.random() < 0.8:
                node = inside
                continue
            _change(node, key, rng)
            break
    return json.dumps(tree).encode()


def _change(node: Any, key: Any, rng: random.Random) -> None:
    kind = rng.randrange(4)
    if kind == 0:
        del node[key]
    elif kind == 1 and isinstance(node, list):
        node.append(copy.deepcopy(node[key]))
    else:
        node[key] = rng.choice(VALUES)


def xml_file(data: bytes, rng: random.Random) -> bytes:
    """XML with elements removed, repeated or renamed or their text replaced, sometimes with entities declared."""
    root = ElementTree.fromstring(data)
    for _ in range(rng.randint(1, 3)):
        parent = rng.choice([element for element in root.iter() if len(element)] or [root])
        if not len(parent):
            break
        child = rng.choice(list(parent))
        kind = rng.randrange(4)
        if kind == 0:
            parent.remove(child)
        elif kind == 1:
            parent.append(copy.deepcopy(child))
        elif kind == 2:
            child.tag = rng.choice(("object", "bndbox", "size", "annotation", "xmin"))
        else:
            child.text = "".join(c for c in rng.choice(TEXTS) if c >= " ")
    head = b"" if rng.random() < 0.9 else b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'
    return head + ElementTree.tostring(root)


def text_file(data: bytes, rng: random.Random) -> bytes:
    """Text with words of a line replaced, removed, shuffled or added, and lines repeated."""
    lines = data.decode().split("\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        mark = rng.choice((",", " ", ": "))
        words = lines[at].split(mark)
        kind = rng.randrange(5)
        if kind == 0:
            words[rng.randrange(len(words))] = rng.choice(TEXTS)
        elif kind == 1:
            words.pop(rng.randrange(len(words)))
        elif kind == 2:
            rng.shuffle(words)
        elif kind == 3:
            lines.insert(rng.randrange(len(lines)), lines[at])
        else:
            words.append(rng.choice(TEXTS))
        lines[at] = mark.join(words)
    return "\n".join(lines).encode("utf-8", "replace")


def tfrecord_file(records: list[dict]) -> Callable[[bytes, random.Random], bytes]:
    """A mutation that gives TFRecord files with valid checksums around wrong features or messages."""

    def mutate(data: bytes, rng: random.Random) -> bytes:
        changed = [dict(record) for record in records]
        record = rng.choice(changed)
        for _ in range(rng.randint(1, 2)):
            key = rng.choice(sorted(record))
            kind, values = record[key]
            record[key] = _feature(kind, list(values), rng)
        messages = [tf_example.encode(record) for record in changed]
        if rng.random() < 0.4:
            at = rng.randrange(len(messages))
            messages[at] = flipped(messages[at], rng)
        return framed(messages)

    return mutate


def _feature(kind: type, values: list, rng: random.Random) -> tuple[type, list]:
    way = rng.randrange(4)
    if way == 0:
        return kind, values[1:]
    if way == 1:
        return kind, values * 2
    if way == 2:
        return rng.choice(((bytes, [b"x"]), (int, [-1]), (float, [0.5, float("nan")]), (int, [1 << 62]), (float, [])))
    if kind is bytes:
        return bytes, [rng.choice(TEXTS).encode("utf-8", "replace")]
    return kind, [rng.choice((-1, 0, 7, 1 << 40)) for _ in values]


def framed(messages: list[bytes]) -> bytes:
    """The bytes of a TFRecord file with `messages` as its records."""
    out: list[bytes] = []

    class Sink:
        def write(self, data: bytes) -> int:
            out.append(bytes(data))
            return len(data)

    with tfrecord.Writer(Sink()) as writer:
        for message in messages:
            writer.write((message,))
    return b"".join(out)
