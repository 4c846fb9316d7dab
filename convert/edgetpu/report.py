"""Parses what `edgetpu_compiler` prints, and the operation log that it writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional

MAPPED = "Mapped to Edge TPU"

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

_VERSION = re.compile(r"Edge TPU Compiler version\s+(\S+)")
_TIME = re.compile(r"Model compiled successfully in\s+(\d+)\s*ms")
_FAILURES = re.compile(r"^.*(Internal compiler error|Invalid model:|Compilation failed:).*$", re.M)
# Operation, count and status; the columns are padded with spaces.
_ROW = re.compile(r"^([A-Za-z][A-Za-z0-9_\-]*)\s{2,}(\d+)\s{2,}(\S.*?)\s*$", re.M)


@dataclass(frozen=True)
class Row:
    """One line of the operation table: `count` operations of one kind with the same status."""

    operator: str
    count: int
    status: str

    @property
    def mapped(self) -> bool:
        """Whether the Edge TPU runs them."""
        return self.status == MAPPED


@dataclass(frozen=True)
class Report:
    """The report of a compiler run. Numbers are None where the text lacks them; sizes are in bytes.

    `failure` is the compiler's message where it failed, else empty. `on_chip` is the memory used for
    parameters, `streamed` the parameters that do not fit and are sent at every inference.
    """

    version: str = ""
    failure: str = ""
    milliseconds: Optional[int] = None
    input_size: Optional[int] = None
    output_size: Optional[int] = None
    on_chip: Optional[int] = None
    on_chip_left: Optional[int] = None
    streamed: Optional[int] = None
    subgraphs: Optional[int] = None
    operations: Optional[int] = None
    on_tpu: Optional[int] = None
    on_cpu: Optional[int] = None
    rows: tuple[Row, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the compiler wrote a file, with or without mapped operations."""
        return not self.failure and (self.operations is not None or bool(self.rows))

    @property
    def unmapped(self) -> tuple[Row, ...]:
        """The lines of operations that stay on the CPU."""
        return tuple(row for row in self.rows if not row.mapped)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values, for the manifest."""
        return {
            "source": "edgetpu_compiler",
            "compiler": self.version,
            "operations": self.operations,
            "on_edge_tpu": self.on_tpu,
            "on_cpu": self.on_cpu,
            "subgraphs": self.subgraphs,
            "on_chip_bytes": self.on_chip,
            "on_chip_left_bytes": self.on_chip_left,
            "streamed_bytes": self.streamed,
            "table": [
                {"operator": row.operator, "count": row.count, "status": row.status}
                for row in self.rows
            ],
        }


def parse(text: str) -> Report:
    """Parses a report or a log, or both in one text. Never raises: what is missing stays None.

    The compiler prints the counts on the TPU and on the CPU only where not everything was mapped; otherwise
    they are computed from the table, or from the total.
    """
    rows = _rows(text)
    total = _number(text, "Total number of operations")
    on_tpu = _number(text, "Number of operations that will run on Edge TPU")
    on_cpu = _number(text, "Number of operations that will run on CPU")
    failures = [line.group(0).strip() for line in _FAILURES.finditer(text)]
    if on_tpu is None and rows:
        on_tpu = sum(row.count for row in rows if row.mapped)
    elif on_tpu is None and total is not None and not failures:
        on_tpu = total if "not all operations are supported" not in text else None
    if on_cpu is None and rows:
        on_cpu = sum(row.count for row in rows if not row.mapped)
    if total is None and on_tpu is not None and on_cpu is not None:
        total = on_tpu + on_cpu
    if on_cpu is None and total is not None and on_tpu is not None:
        on_cpu = total - on_tpu
    time = _TIME.search(text)
    version = _VERSION.search(text)
    return Report(
        version=version.group(1) if version else "",
        failure="; ".join(failures),
        milliseconds=int(time.group(1)) if time else None,
        input_size=_size(text, "Input size"),
        output_size=_size(text, "Output size"),
        on_chip=_size(text, "On-chip memory used for caching model parameters"),
        on_chip_left=_size(text, "On-chip memory remaining for caching model parameters"),
        streamed=_size(text, "Off-chip memory used for streaming uncached model parameters"),
        subgraphs=_number(text, "Number of Edge TPU subgraphs"),
        operations=total,
        on_tpu=on_tpu,
        on_cpu=on_cpu,
        rows=rows,
    )


def _rows(text: str) -> tuple[Row, ...]:
    # The same table may be in both the printed report and the log.
    rows = (Row(match[1], int(match[2]), match[3]) for match in _ROW.finditer(text))
    return tuple(dict.fromkeys(rows))


def _number(text: str, name: str) -> Optional[int]:
    found = re.search(rf"{re.escape(name)}:\s*(\d+)", text)
    return int(found.group(1)) if found else None


def _size(text: str, name: str) -> Optional[int]:
    found = re.search(rf"{re.escape(name)}:\s*([\d.]+)\s*({'|'.join(_UNITS)})\b", text)
    return round(float(found.group(1)) * _UNITS[found.group(2)]) if found else None
