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

COCO_LABELS = Labels(tuple(name.strip() for name in _NAMES.strip().replace(",\n", ", ").split(", ")))
