from __future__ import annotations

import re

import pytest

from convert.edgetpu.report import Row, parse

# The report of version 16 where everything is mapped: it has no counts on the TPU and on the CPU.
ALL_MAPPED = """Edge TPU Compiler version 16.0.384591198
Input: model.tflite
Output: model_edgetpu.tflite

Operator                       Count      Status

CONV_2D                        2          Mapped to Edge TPU
edgetpu-custom-op              1          Mapped to Edge TPU
"""


def test_a_report_with_some_on_the_cpu():
    report = parse(
        """Edge TPU Compiler version 15.0.340273435

Model compiled successfully in 1342 ms.

Input size: 6.57MiB
Output size: 6.70MiB
On-chip memory used for caching model parameters: 6.52MiB
On-chip memory remaining for caching model parameters: 1.20MiB
Off-chip memory used for streaming uncached model parameters: 10.25KiB
Number of Edge TPU subgraphs: 1
Total number of operations: 113

Number of operations that will run on Edge TPU: 110
Number of operations that will run on CPU: 3

Operator                       Count      Status

DEPTHWISE_CONV_2D              17         Mapped to Edge TPU
RESHAPE                        2          Tensor has unsupported rank (up to 3 innermost dimensions mapped)
"""
    )
    assert report.succeeded
    assert (report.version, report.milliseconds, report.subgraphs) == ("15.0.340273435", 1342, 1)
    assert (report.operations, report.on_tpu, report.on_cpu) == (113, 110, 3)
    assert (report.on_chip, report.on_chip_left) == (round(6.52 * 2**20), round(1.2 * 2**20))
    assert report.streamed == 10.25 * 1024
    assert report.rows[0] == Row("DEPTHWISE_CONV_2D", 17, "Mapped to Edge TPU")
    assert [row.operator for row in report.unmapped] == ["RESHAPE"]


def test_a_log_without_totals():
    report = parse(ALL_MAPPED)
    assert report.succeeded
    assert (report.operations, report.on_tpu, report.on_cpu) == (3, 3, 0)
    assert report.on_chip is None


def test_a_report_of_a_file_that_is_mapped_whole_has_no_counts():
    report = parse("Edge TPU Compiler version 16.0\nTotal number of operations: 31\n")
    assert (report.operations, report.on_tpu, report.on_cpu) == (31, 31, 0)


def test_report_and_log_in_one_text_count_once():
    assert parse(ALL_MAPPED + ALL_MAPPED).on_tpu == 3


@pytest.mark.parametrize(
    "words",
    [
        "Internal compiler error. Aborting!",
        "Invalid model: model.tflite",
        "Compilation failed: Model failed in Tflite interpreter.",
        "ERROR: Compilation failed: Compilation failed due to large activation tensors in model.",
    ],
)
def test_failures(words):
    report = parse(f"Edge TPU Compiler version 16.0.384591198\n{words}\n\n")
    assert not report.succeeded
    assert report.failure == words


def test_text_that_is_no_report():
    report = parse("Dear reader,\nthere is no report here.")
    assert not report.succeeded and not report.failure


def test_every_report_and_status_of_the_notes(shared):
    notes = (shared / "spec" / "edge_tpu.md").read_text()
    report = parse(re.search(r"```\n(Edge TPU.*?)```", notes, re.S)[1])
    assert (report.operations, report.on_tpu, report.on_cpu) == (113, 110, 3)
    assert sum(row.count for row in report.rows) == 90
    statuses = re.search(r"Statuses seen: (.*?)\n[A-Z]", notes, re.S)[1]
    found = re.findall(r"`([^`]+)`", statuses)
    assert len(found) == 7
    for status in found:
        assert parse(f"CONV_2D     4     {status}\n").rows == (Row("CONV_2D", 4, status),)
