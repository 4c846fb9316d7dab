"""Check of the class balance: whether there are enough boxes of every class."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import OK, WARNING, Finding, counted
from train.check.statistics.dataset_statistics import DatasetStatistics

# The ratio of boxes of the most frequent to the rarest class from which the rare class's loss has too little weight.
_UNBALANCED = 10
_FEW_BOXES = 20


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds classes with few boxes, and a large ratio between classes."""
    counts = {label: count for label, count in statistics.label_counts("train").items() if count}
    if not counts:
        return
    few = sorted((label for label, count in counts.items() if count < _FEW_BOXES), key=counts.__getitem__)
    if few:
        yield Finding(
            WARNING,
            f"{counted(len(few), 'class', 'classes')} with fewer than {_FEW_BOXES} boxes to train on",
            len(few),
            tuple(f"{label}: {counted(counts[label], 'box', 'boxes')}" for label in few),
            "label more of them: detectors become reliable with a few hundred boxes per class",
        )
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    ratio = counts[most] / counts[least]
    if len(counts) > 1:
        yield Finding(
            WARNING if ratio >= _UNBALANCED else OK,
            f"{most} has {ratio:.1f} times as many boxes as {least} ({counts[most]:,} and {counts[least]:,})",
            len(counts),
            tuple(f"{label}: {count:,}" for label, count in sorted(counts.items(), key=lambda item: item[1])),
            f"add images of {least}" if ratio >= _UNBALANCED else "",
        )
