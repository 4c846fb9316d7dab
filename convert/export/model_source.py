"""What is converted where the kit did not train it: a model of the Object Detection API, and data to measure it on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from convert.evaluation.images import EvaluationSet, cut, of_examples
from convert.export.export import Source
from convert.object_detection_api import folder as api_folder
from convert.object_detection_api import pipeline
from runtime.common.errors import InputError
from train.checkpoints import variables
from train.dataset.dataset import open_dataset
from train.evaluation.coco import GroundTruth


def source_of_model(
    path: Path,
    *,
    labels: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = print,
) -> Source:
    """The model in the folder `path` of the Object Detection API.

    `labels` is a file of class names, `data` a data set beside whose files the label map may lie. `say` gets a line
    for what the configuration says otherwise than the weights.
    Raises InputError where the kit does not have the network, where the weights are another's, or where weights or class
    names are not found.
    """
    described = pipeline.read(api_folder.configuration(path))
    checkpoint = api_folder.checkpoint(path if _holds_weights(path) else described.path.parent)
    network = variables.network_of(checkpoint)
    if network is not described.network:
        raise InputError(
            f"{checkpoint}: not a checkpoint of {described.network.facts.title}, which {described.path} describes, but of"
            f" {network.facts.title}; put the {pipeline.NAME} that these weights were trained with beside them"
        )
    classes = variables.classes_of(checkpoint)
    if classes != described.classes:
        say(
            f"{described.path}: num_classes is {described.classes}, but the weights are for {classes} classes, which"
            " counts"
        )
    near = (Path(data),) if data is not None and Path(data).is_dir() else ()
    names, names_file = api_folder.labels(described, classes, given=Path(labels) if labels else None, near=near)
    say(f"{checkpoint}: {network.name}, {classes} classes, named by {names_file or 'COCO'}; input {described.size.about}")
    about = {
        "object_detection_api": {
            "folder": str(path),
            "pipeline_sha256": hashlib.sha256(described.path.read_bytes()).hexdigest(),
            "labels": str(names_file) if names_file else "COCO",
        },
        "checkpoint": checkpoint,
    }
    return Source(
        Path(checkpoint),
        described.size,
        names,
        about=about,
        detections=described.detections,
        # A threshold below the kit's own is for evaluation.
        score=max(described.score, Source.score),
        iou=described.iou,
    )


def with_data(
    source: Source,
    path: str | os.PathLike[str],
    validation: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = print,
) -> Source:
    """`source` calibrated on the training images of the data set at `path`, and measured on its validation images.

    Both through the tiles that it was trained on. `validation` is another data set to measure on. `say` gets a line where the data has classes that the model does not
    know. Raises InputError as `open_dataset` does.
    """
    dataset = open_dataset(path, validation=validation)
    unknown = [name for name in dataset.labels if name not in source.labels.names]
    if unknown:
        named = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
        say(f"{path}: the model has no class called {named}: those boxes count as not found")
    truth = GroundTruth.from_examples(dataset.validation, dataset.labels)
    about = f"validation images of {path if validation is None else validation}"
    return replace(
        source,
        calibration=source.calibration or cut(of_examples(dataset.train), source.tiles),
        fullest=max(len(example.boxes) for example in (*dataset.train, *dataset.validation)),
        validation=EvaluationSet(of_examples(dataset.validation), truth, about).through(source.tiles),
        about={**source.about, "data": str(path)},
    )


def _holds_weights(path: Path) -> bool:
    """Whether `path` itself is a folder with weights, and not only one beside the configuration.

    A SavedModel of TensorFlow 1 has its weights in the graph, and no variables.
    """
    return any(path.glob("*.index")) or any(path.glob("variables/*.index"))
