"""Which images of a data set to show: some of every class, and some without boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from train.dataset.examples.example import Example


def sample(examples: Sequence[Example], labels: Iterable[str], most: int) -> list[int]:
    """Returns the indices of at most `most` of `examples`.

    They are taken from each class in turn, rarest first, and then from the images without boxes, spread evenly
    over the data. `labels` are the classes that occur.
    """
    holding: dict[str, list[int]] = {label: [] for label in labels}
    empty = []
    for index, example in enumerate(examples):
        for label in {item.label for item in example.boxes}:
            holding[label].append(index)
        if not example.boxes:
            empty.append(index)
    queues = [_spread(holding[label], most) for label in sorted(holding, key=lambda label: len(holding[label]))]
    queues.append(_spread(empty, max(1, most // 9)))
    chosen: dict[int, None] = {}
    for place in range(most):
        for queue in queues:
            if place < len(queue) and len(chosen) < most:
                chosen[queue[place]] = None
    return list(chosen)


def _spread(items: list[int], most: int) -> list[int]:
    step = max(1.0, len(items) / most)
    return [items[int(i * step)] for i in range(min(most, len(items)))]
