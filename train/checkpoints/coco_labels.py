"""Labels of the published checkpoints: the 80 classes of COCO, with placeholders for the unused of its 90 ids."""

from __future__ import annotations

from runtime.common.values import Labels

# ??? stands for the ids that COCO does not use, as in TensorFlow's label maps.
_NAMES = """
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light,
fire hydrant, ???, stop sign, parking meter, bench, bird, cat, dog, horse, sheep,
cow, elephant, bear, zebra, giraffe, ???, backpack, umbrella, ???, ???,
handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove,
skateboard, surfboard, tennis racket, bottle, ???, wine glass, cup, fork, knife, spoon,
bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut,
cake, chair, couch, potted plant, bed, ???, dining table, ???, ???, toilet,
???, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster,
sink, refrigerator, ???, book, clock, vase, scissors, teddy bear, hair drier, toothbrush
"""

# By the ids of COCO, as the Object Detection API has them.
COCO_LABELS = Labels(tuple(name.strip() for name in _NAMES.strip().replace(",\n", ", ").split(", ")))
# One after the other, as other tools have them.
COCO_LABELS_80 = Labels(tuple(name for name in COCO_LABELS if name != "???"))


def of_classes(count: int) -> Labels | None:
    """The names of a checkpoint of `count` classes that was published; None where that is neither 90 nor 80."""
    return next((labels for labels in (COCO_LABELS, COCO_LABELS_80) if len(labels) == count), None)
