"""Converts a checkpoint to an export folder: fp16 and int8 files, labels and the manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from convert.contract import raw_twin
from convert.contract.contract import RAW_SUFFIX, finish
from convert.evaluation import gate
from convert.evaluation.evaluate import evaluate_checkpoint
from convert.evaluation.gate import Admitted
from convert.evaluation.images import EvaluationSet, Image, of_examples, of_files, of_run
from convert.export import manifest
from convert.file.conversion import Job, converted
from convert.file.metadata import ModelInfo
from convert.file.postprocessing import Postprocessing
from convert.quantize import quantization
from convert.quantize.dead_channels import without_dead_channels
from convert.quantize.quantization import Quantized
from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Labels
from runtime.media.images import is_image
from train.evaluation import checkpoint_detector
from train.evaluation.coco import Metrics
from train.models.folding import Graph, fold
from train.quantization.calibration import IMAGES as CALIBRATION_IMAGES
from train.quantization.quantization import Quantization
from train.run.run_folder import RunFolder

# Detections of all classes share the slots, and one place may take a slot for each class. On drawn shapes of four
# classes 25 slots cost 0.002 AP more than 50; on blood cells, with up to 30 boxes in an image, 25 cost 0.016 and 100
# nothing.
_SLOTS, _MANY_SLOTS = 50, 100
# From this number of boxes in an image on, files get the many.
_FULL = 13
# Pairs of anchor and class that are sorted and suppressed; beyond these, AP does not rise.
_CANDIDATES, _MANY_CANDIDATES = 512, 1000


@dataclass(frozen=True)
class Source:
    """What is converted.

    `size` is the side of the input in pixels. `calibration` are the images that int8 is calibrated on.
    `fullest` is the greatest number of boxes in an image, 0 if unknown. `validation` is what AP is measured
    on, None if there is no labeled data. `quantization` is what a run of quantization-aware training trained
    with, None for a float run. `about` are the manifest's entries on the source. `reported` are the figures that
    training reported of the checkpoint, None where it reported none. `detections`, `score` and `iou` are those of the
    post-processing unless `Options` has others; `detections` None means as many as its images need.
    """

    checkpoint: Path
    size: int
    labels: Labels
    calibration: tuple[Image, ...] = ()
    fullest: int = 0
    validation: EvaluationSet | None = None
    quantization: Quantization | None = None
    about: dict[str, Any] = field(default_factory=dict)
    reported: Metrics | None = None
    detections: int | None = None
    score: float = Postprocessing.score
    iou: float = Postprocessing.iou


@dataclass(frozen=True)
class Options:
    """Which files to write, and what their gates allow (see `gate.admit`).

    With `raw_head` each file gets a twin without post-processing (see `raw_twin.twin`). `detections` None
    means the source's, else 50, or 100 where an image has more than 12 boxes. `score` and `iou` are those of
    `Postprocessing`, None those of the source. `method` None means the ranges that a run was trained with, else
    "mse". `calibration` is the number of images to calibrate on. With `custom` detections are made by one custom
    operation (see `Postprocessing`).
    """

    fp16: bool = False
    int8: bool = True
    raw_head: bool = False
    detections: int | None = None
    score: float | None = None
    iou: float | None = None
    method: str | None = None
    calibration: int = CALIBRATION_IMAGES
    max_drop: float = gate.MAX_DROP
    gate: bool = True
    custom: bool = False


def source_of_run(run: RunFolder) -> Source:
    """The best checkpoint of a run, calibrated on its training images and measured on its validation images."""
    dataset, config = run.dataset(), run.config()
    return Source(
        checkpoint=run.checkpoint,
        size=config["task"]["size"],
        labels=dataset.labels,
        calibration=of_examples(dataset.train),
        fullest=max(len(example.boxes) for example in (*dataset.train, *dataset.validation)),
        validation=of_run(run),
        quantization=run.quantization(),
        about={"run": str(run.path), "data": config["data"], **_float_run(config)},
        reported=Metrics.from_dict(run.metrics()) if run.has_ended else None,
    )


def _float_run(config: Mapping[str, Any]) -> dict[str, str]:
    """The float run that a run of quantization-aware training started from."""
    path = config["task"].get("float_run")
    return {"float_run": path} if path else {}


def source_of_checkpoint(path: Path, size: int, labels: Labels, images: str | os.PathLike[str] | None) -> Source:
    """A published checkpoint, unchanged; `images` is a folder to calibrate int8 on.

    Raises InputError where the folder holds no images.
    """
    calibration = images_in(images) if images is not None else ()
    return Source(path, size, labels, calibration, about={"checkpoint": str(path)})


def images_in(path: str | os.PathLike[str]) -> tuple[Image, ...]:
    """All images in a folder, to calibrate on. Raises InputError where it holds none."""
    folder = Path(path)
    found = of_files(sorted(file for file in folder.rglob("*") if is_image(file)))
    if not found:
        raise InputError(f"{folder}: no images to calibrate with")
    return found


def export(source: Source, folder: Path, options: Options, say: Callable[[str], None] = print) -> tuple[Admitted, ...]:
    """Writes the files that `options` ask for into `folder`, then `labels.txt`, and the manifest last.

    All files are made from one folded graph. `say` gets a line for each step. Raises KitError where a file
    does not pass its gate, and InputError where int8 is asked for without images to calibrate on.
    """
    if options.int8 and not source.calibration:
        raise InputError(
            "int8 needs images to calibrate with; name a folder of them with --calibration-images, or labelled ones"
            " with --data"
        )
    network = checkpoint_detector.load(source.checkpoint, source.size, len(source.labels))
    folded = fold(network).frozen()
    graph = without_dead_channels(folded)
    postprocessing = _postprocessing(source, options)
    reference = _reference(source, folded, say)
    quantized = None
    if options.int8:
        quantized = quantization.quantize(
            graph,
            source.calibration,
            count=options.calibration,
            method=options.method,
            trained=source.quantization,
        )
        say(_ranges_line(quantized))
    jobs = [Job("fp16", graph)] if options.fp16 else []
    jobs += [Job("int8", quantized.graph, quantized.ranges)] if quantized else []
    models = zip((job.kind for job in jobs), converted(jobs, postprocessing))

    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "labels.txt", source.labels.text())
    files = []
    for kind, make in _finished(models, source.labels, options.raw_head):
        file = gate.admit(
            make,
            folder / f"detector_{kind}.tflite",
            kind,
            validation=source.validation,
            reference=reference,
            max_drop=options.max_drop,
            closed=options.gate,
        )
        files.append(file)
        say(_line(file, reference))
    about = _about(source, options, postprocessing, quantized, reference)
    manifest.write(folder, about, files, source.validation.about if source.validation else None)
    return tuple(files)


def _finished(models: Iterable[tuple[str, bytes]], labels: Labels, raw: bool) -> Iterator[tuple[str, gate.Make]]:
    """The kind of each file to write, and what makes it for a score threshold, from the converter's `models`."""
    version = manifest.kit_version()
    for kind, model in models:

        def whole(score: float | None, model: bytes = model) -> bytes:
            return finish(model, labels=labels, info=ModelInfo(version=version, score_threshold=score))

        def twin(score: float | None, whole: gate.Make = whole) -> bytes:
            return raw_twin.twin(whole(None), labels=labels, version=version, score_threshold=score)

        yield kind, whole
        if raw:
            yield kind + RAW_SUFFIX, twin


def _postprocessing(source: Source, options: Options) -> Postprocessing:
    slots = options.detections or source.detections or (_MANY_SLOTS if source.fullest >= _FULL else _SLOTS)
    score = source.score if options.score is None else options.score
    iou = source.iou if options.iou is None else options.iou
    candidates = _CANDIDATES if slots <= _SLOTS else _MANY_CANDIDATES
    return Postprocessing(slots, score, iou, candidates, options.custom)


def _reference(source: Source, graph: Graph, say: Callable[[str], None]) -> Metrics | None:
    """What files are compared with: the figures that training reported of the checkpoint.

    A checkpoint without them is measured as training measures: suppression within each class, several classes an
    anchor, 100 detections. None where there is nothing to measure on.
    """
    if source.validation is None:
        return None
    reported = source.reported or evaluate_checkpoint(
        source.checkpoint, source.size, source.labels, source.validation, graph=graph, progress=False
    )
    origin = "as training reported it" if source.reported else "measured as in training"
    say(f"checkpoint: {_figures(reported)}  on {source.validation.about}, {origin}")
    return reported


def _ranges_line(quantized: Quantized) -> str:
    if quantized.method == quantization.TRAINED:
        return "int8 ranges are those that the run was trained with; no calibration"
    return f"int8 ranges by {quantized.method} over {len(quantized.images)} images"


def _line(file: Admitted, reference: Metrics | None) -> str:
    text = f"{file.path}: {file.path.stat().st_size / 1e6:.2f} MB"
    if file.metrics is None:
        return text
    text += f"  {_figures(file.metrics)}"
    after, before = file.metrics["AP"], reference["AP"] if reference else None
    if after is not None and before is not None:
        text += f"  ({after - before:+.4f} AP)"
    best = file.thresholds.overall if file.thresholds else None
    return text if best is None else f"{text}  F1 {best.f1:.3f} from score {best.score:g} on"


def _figures(metrics: Metrics) -> str:
    figures = ((name, metrics[name]) for name in ("AP", "AP50"))
    return "  ".join(f"{name} -" if value is None else f"{name} {value:.4f}" for name, value in figures)


def _about(
    source: Source,
    options: Options,
    postprocessing: Postprocessing,
    quantized: Quantized | None,
    reference: Metrics | None,
) -> dict[str, Any]:
    content = {
        **source.about,
        "size": source.size,
        "labels": list(source.labels),
        "post_processing": asdict(postprocessing),
        "gate": {"closed": options.gate, "max_drop": options.max_drop},
    }
    if reference is not None:
        content["checkpoint_figures"] = {"AP": reference["AP"], "AP50": reference["AP50"]}
    if quantized is not None:
        content["calibration"] = {
            "method": quantized.method,
            "pictures": {image.path.name: manifest.sha256_of(image.path) for image in quantized.images},
        }
    return content
