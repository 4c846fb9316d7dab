"""Writes fragmented MP4 files, which can be played even when writing is interrupted by a power cut.

An ordinary MP4 has its index at the end and cannot be played without it; here each fragment has its own index. OpenCV
and PyAV encode short files, whose encoded frames are copied into the long file. Boxes
are those of ISO/IEC 14496-12.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple, Union

from runtime.common.errors import KitError

# Time units per second; fine enough for any frame rate.
TIMESCALE = 90_000

# The longest duration of a frame, in time units: the field has 32 bits.
MOST_UNITS = 0xFFFFFFFF

# sample_flags of the first frame of a fragment, which depends on no other frame, and of the frames after it.
_KEY, _DEPENDENT = 0x02000000, 0x01010000


@dataclass(frozen=True)
class Encoded:
    """The encoded frames of a short file.

    `entry` is the box `stsd`, which describes the codec; `samples` are the encoded frames; `size` is (width, height) in
    pixels.
    """

    entry: bytes
    samples: Tuple[bytes, ...]
    size: Tuple[int, int]


def read(path: Union[str, os.PathLike[str]]) -> Encoded:
    """Reads the encoded frames of an MP4 with one video track.

    Raises KitError where the file has another structure.
    """
    data = Path(path).read_bytes()
    try:
        track = _inside(data, *_inside(data, 0, len(data))["moov"])["trak"]
        boxes = _inside(data, *track)
        media = _inside(data, *_inside(data, *boxes["mdia"])["minf"])
        table = _inside(data, *media["stbl"])
        sizes, offsets = _sizes(data, table), _chunk_offsets(data, table)
        width, height = struct.unpack(">II", data[boxes["tkhd"][1] - 8 : boxes["tkhd"][1]])
        samples = tuple(_samples(data, sizes, offsets, _samples_of_chunks(data, table, len(offsets))))
        begin, end = table["stsd"]
    except (KeyError, struct.error, IndexError) as error:
        raise KitError(f"{path}: the encoder wrote an MP4 of another structure than expected: {error!r}") from error
    return Encoded(_box("stsd", data[begin:end]), samples, (width >> 16, height >> 16))


class FragmentedFile:
    """A fragmented MP4 file that is being written; all fragments added so far can be played."""

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        """Creates or replaces the file `path`. Raises OSError, as `add` and `close` do."""
        # Open for the lifetime of this object; `close` closes it.
        self._file = open(path, "wb")  # noqa: SIM115
        self._count = 0
        self._time = 0
        # Offsets of the durations, which are written at the end.
        self._durations: List[int] = []

    def fileno(self) -> int:
        """The descriptor of the open file."""
        return self._file.fileno()

    def add(self, encoded: Encoded, seconds: Sequence[float]) -> None:
        """Appends a fragment; `seconds` has the duration of each frame of `encoded`, of which 13.25 hours are kept.

        The first frame must be a key frame.
        """
        if not self._count:
            head, self._durations = _head(encoded)
            self._file.write(head)
        self._count += 1
        durations = [max(1, round(min(each * TIMESCALE, MOST_UNITS))) for each in seconds]
        self._file.write(_fragment(self._count, self._time, encoded.samples, durations))
        self._file.flush()
        self._time += sum(durations)

    def close(self) -> None:
        """Writes the total duration, which some players need, and closes the file."""
        for offset in self._durations:
            self._file.seek(offset)
            self._file.write(struct.pack(">I", min(self._time, MOST_UNITS)))
        self._file.close()


def _inside(data: bytes, begin: int, end: int) -> Dict[str, Tuple[int, int]]:
    """The boxes between the offsets `begin` and `end`: name -> (begin, end) of the content."""
    found = {}
    while begin + 8 <= end:
        size, name = struct.unpack(">I4s", data[begin : begin + 8])
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", data[begin + 8 : begin + 16])
            head = 16
        if size < head or begin + size > end:
            raise IndexError(name)
        found[name.decode("latin-1")] = (begin + head, begin + size)
        begin += size
    return found


def _sizes(data: bytes, table: Dict[str, Tuple[int, int]]) -> List[int]:
    begin, _ = table["stsz"]
    same, count = struct.unpack(">II", data[begin + 4 : begin + 12])
    return [same] * count if same else list(struct.unpack(f">{count}I", data[begin + 12 : begin + 12 + 4 * count]))


def _chunk_offsets(data: bytes, table: Dict[str, Tuple[int, int]]) -> List[int]:
    name, letter, width = ("stco", "I", 4) if "stco" in table else ("co64", "Q", 8)
    begin, _ = table[name]
    (count,) = struct.unpack(">I", data[begin + 4 : begin + 8])
    return list(struct.unpack(f">{count}{letter}", data[begin + 8 : begin + 8 + width * count]))


def _samples_of_chunks(data: bytes, table: Dict[str, Tuple[int, int]], chunks: int) -> List[int]:
    begin, _ = table["stsc"]
    (count,) = struct.unpack(">I", data[begin + 4 : begin + 8])
    runs = [struct.unpack(">III", data[begin + 8 + 12 * i : begin + 20 + 12 * i])[:2] for i in range(count)]
    numbers: List[int] = []
    for position, (first, each) in enumerate(runs):
        next_first = runs[position + 1][0] if position + 1 < count else chunks + 1
        numbers += [each] * (next_first - first)
    return numbers


def _samples(data: bytes, sizes: List[int], offsets: List[int], numbers: List[int]) -> Iterator[bytes]:
    waiting = iter(sizes)
    for place, number in zip(offsets, numbers):
        for _ in range(number):
            size = next(waiting)
            yield data[place : place + size]
            place += size


def _box(name: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), name.encode("latin-1")) + body


def _full(name: str, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *content)


_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ZERO = struct.pack(">I", 0)
# A placeholder for durations, by which their offsets are found; no other bytes of the head are equal to it.
_MARK = b"\xde\xad\xd0\x05"


def _head(encoded: Encoded) -> Tuple[bytes, List[int]]:
    """The head of the file, and the offsets of the durations in it."""
    width, height = encoded.size
    movie = _full(
        "mvhd", struct.pack(">III", 0, 0, TIMESCALE), _MARK, struct.pack(">IH10x", 0x10000, 0x100), _MATRIX, bytes(24),
        struct.pack(">I", 2),
    )  # fmt: skip
    track = _full(
        "tkhd", struct.pack(">IIII", 0, 0, 1, 0), _MARK, bytes(16), _MATRIX, struct.pack(">II", width << 16, height << 16),
        flags=3,
    )  # fmt: skip
    media = _full("mdhd", struct.pack(">III", 0, 0, TIMESCALE), _MARK, struct.pack(">HH", 0x55C4, 0))
    handler = _full("hdlr", struct.pack(">I4s12x", 0, b"vide"), b"video\0")
    data = _box("dinf", _full("dref", struct.pack(">I", 1), _full("url ", flags=1)))
    empty = [_full(name, _ZERO) for name in ("stts", "stsc", "stco")]
    table = _box("stbl", encoded.entry, *empty, _full("stsz", _ZERO, _ZERO))
    info = _box("minf", _full("vmhd", bytes(8), flags=1), data, table)
    extends = _box("mvex", _full("mehd", _MARK), _full("trex", struct.pack(">IIIII", 1, 1, 0, 0, 0)))
    head = _box("ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso5iso6mp41") + _box(
        "moov", movie, _box("trak", track, _box("mdia", media, handler, info)), extends
    )
    offsets = [offset for offset in range(len(head)) if head[offset : offset + 4] == _MARK]
    for offset in offsets:
        head = head[:offset] + _ZERO + head[offset + 4 :]
    return head, offsets


def _fragment(number: int, time: int, samples: Sequence[bytes], durations: Sequence[int]) -> bytes:
    entries = b"".join(
        struct.pack(">III", duration, len(sample), _DEPENDENT if place else _KEY)
        for place, (sample, duration) in enumerate(zip(samples, durations))
    )

    def index(offset: int) -> bytes:
        # Offsets count from the beginning of the fragment (flag 0x20000, default-base-is-moof). Each sample has its
        # duration, size and flags (0x700); the first sample begins at `offset` (0x1).
        run = _full("trun", struct.pack(">Ii", len(samples), offset), entries, flags=0x701)
        place = _full("tfdt", struct.pack(">Q", time), version=1)
        return _box(
            "moof", _full("mfhd", struct.pack(">I", number)),
            _box("traf", _full("tfhd", struct.pack(">I", 1), flags=0x20000), place, run),
        )  # fmt: skip

    return index(len(index(0)) + 8) + _box("mdat", *samples)
