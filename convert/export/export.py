"""From a checkpoint to an export folder: fp16, int8, labels, manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from convert.contract import raw_twin
from convert.contract.contract import RAW_SUFFIX, finish
from convert.evaluation import checkpoint_detector, gate
from convert.evaluation.evaluate import evaluate_checkpoint
from convert.evaluation.gate import Admitted
from convert.evaluation.images import EvaluationSet, Image, of_examples, of_files, of_run
from convert.export import manifest
from convert.file.graph import detector
from convert.file.metadata import ModelInfo
from convert.file.postprocessing import Postprocessing
from convert.quantize import quantization
from convert.quantize.dead_channels import without_silent_channels
from convert.quantize.quantization import Quantised
from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Labels
from runtime.media.images import is_image
from train.evaluation.coco import Metrics
from train.models.folding import Graph, fold
from train.quantization.quantization import Quantisation
from train.run.run_folder import RunFolder

# Detections of all classes share the slots. Blood cells (up to 30 boxes an image) lost 0.016 AP to
# 25 slots, and nothing to 100.
_SLOTS, _MANY_SLOTS = 25, 100


@dataclass(frozen=True)
class Source:
    """What is converted.

    `calibration` are images like those of use, for int8; `fullest` is the greatest number of boxes
    that an image has, 0 where nothing is known; `validation` is what AP is measured on, None where
    nothing labelled is known; `quantisation` is what a run was trained with, None of a float run;
    `about` is what the manifest says of where it comes from.
    """

    checkpoint: Path
    size: int
    labels: Labels
    calibration: tuple[Image, ...] = ()
    fullest: int = 0
    validation: EvaluationSet | None = None
    quantisation: Quantisation | None = None
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What to write, and what the gates let through (see `gate.admit`).

    `raw_head`: beside each file its twin without post-processing (see `raw_head.twin`).
    `detections` None means 25, or 100 where an image of the run has more than 12 boxes; `score` and
    `iou` as in `Postprocessing`; `method` None means the ranges that a run was trained with, else "mse".
    """

    fp16: bool = False
    int8: bool = True
    raw_head: bool = False
    detections: int | None = None
    score: float = Postprocessing.score
    iou: float = Postprocessing.iou
    method: str | None = None
    calibration: int = quantization.IMAGES
    max_drop: float = gate.MAX_DROP
    gate: bool = True


def source_of_run(run: RunFolder) -> Source:
    """A run's best checkpoint: calibrated on its training images, measured on its validation images."""
    dataset, config = run.dataset(), run.config()
    return Source(
        checkpoint=run.checkpoint,
        size=config["task"]["size"],
        labels=dataset.labels,
        calibration=of_examples(dataset.train),
        fullest=max(len(example.boxes) for example in (*dataset.train, *dataset.validation)),
        validation=of_run(run),
        quantisation=run.quantisation(),
        about={"run": str(run.path), "data": config["data"], **_origin(config)},
    )


def _origin(config: Mapping[str, Any]) -> dict[str, str]:
    """Which float run a run of quantisation-aware training came from."""
    origin = config["task"].get("float_run")
    return {"float_run": origin} if origin else {}


def source_of_checkpoint(path: Path, size: int, labels: Labels, images: str | os.PathLike | None) -> Source:
    """A published checkpoint as it is; `images` is a folder to calibrate int8 on.

    Raises InputError where the folder holds no images.
    """
    calibration: tuple[Image, ...] = ()
    if images is not None:
        folder = Path(images)
        calibration = of_files(sorted(file for file in folder.rglob("*") if is_image(file)))
        if not calibration:
            raise InputError(f"{folder}: no images to calibrate with")
    return Source(path, size, labels, calibration, about={"checkpoint": str(path)})


def export(source: Source, folder: Path, options: Options, say: Callable[[str], None] = print) -> tuple[Admitted, ...]:
    """Writes the files that `options` ask for into `folder`, `labels.txt`, and the manifest last.

    One folded graph feeds every file. Raises KitError where a file does not pass its gate, and
    InputError where int8 is asked for and there is nothing to calibrate with.
    """
    if options.int8 and not source.calibration:
        raise InputError("int8 needs images to calibrate with; name a folder of them with --calibration-images")
    network = checkpoint_detector.load(source.checkpoint, source.size, len(source.labels))
    folded = fold(network).frozen()
    graph = without_silent_channels(folded)
    postprocessing = _postprocessing(source, options)
    reference = _reference(source, folded, postprocessing, say)
    quantised = None
    if options.int8:
        quantised = quantization.quantise(
            graph,
            source.calibration,
            count=options.calibration,
            method=options.method,
            trained=source.quantisation,
        )
        say(_ranges_line(quantised))
    models = []
    if options.fp16:
        models.append(("fp16", detector(graph, postprocessing)))
    if quantised:
        models.append(("int8", detector(quantised.graph, postprocessing, quantised.ranges)))

    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "labels.txt", source.labels.text())
    files = []
    for kind, model in _finished(models, source.labels, options.raw_head):
        file = gate.admit(
            model,
            folder / f"detector_{kind}.tflite",
            kind,
            validation=source.validation,
            reference=reference,
            max_drop=options.max_drop,
            closed=options.gate,
        )
        files.append(file)
        say(_line(file, reference))
    about = _about(source, options, postprocessing, quantised, reference)
    manifest.write(folder, about, files, source.validation.about if source.validation else None)
    return tuple(files)


def _finished(models: Iterable[tuple[str, bytes]], labels: Labels, raw: bool) -> Iterator[tuple[str, bytes]]:
    """Kind and bytes of each file to write, from what the converter returned."""
    version = manifest.kit_version()
    for kind, model in models:
        finished = finish(model, labels=labels, info=ModelInfo(version=version))
        yield kind, finished
        if raw:
            yield kind + RAW_SUFFIX, raw_twin.twin(finished, labels=labels, version=version)


def _postprocessing(source: Source, options: Options) -> Postprocessing:
    slots = _MANY_SLOTS if 2 * source.fullest > _SLOTS else _SLOTS
    return Postprocessing(options.detections or slots, options.score, options.iou)


def _reference(
    source: Source, graph: Graph, postprocessing: Postprocessing, say: Callable[[str], None]
) -> Metrics | None:
    """Figures of the checkpoint with the files' own post-processing: what weights and steps must not lose.

    Suppression across classes and the number of slots cost AP of their own, in float too; the line
    that is said shows how much.
    """
    if source.validation is None:
        return None
    published, own = (
        evaluate_checkpoint(
            source.checkpoint,
            source.size,
            source.labels,
            source.validation,
            postprocessing=way,
            graph=graph,
            progress=False,
        )
        for way in (None, postprocessing)
    )
    say(
        f"checkpoint: AP {published['AP']:.4f}  AP50 {published['AP50']:.4f}  on {source.validation.about};"
        f" with the files' post-processing AP {own['AP']:.4f}  AP50 {own['AP50']:.4f}"
    )
    return own


def _ranges_line(quantised: Quantised) -> str:
    if quantised.method == quantization.TRAINED:
        return "int8 ranges as the run was trained with them, without calibration"
    return f"int8 ranges by {quantised.method} over {len(quantised.images)} images"


def _line(file: Admitted, reference: Metrics | None) -> str:
    text = f"{file.path}: {file.path.stat().st_size / 1e6:.2f} MB"
    if file.metrics is None:
        return text
    text += f"  AP {file.metrics['AP']:.4f}  AP50 {file.metrics['AP50']:.4f}"
    return text + (f"  ({file.metrics['AP'] - reference['AP']:+.4f} AP)" if reference else "")


def _about(
    source: Source,
    options: Options,
    postprocessing: Postprocessing,
    quantised: Quantised | None,
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
    if quantised is not None:
        content["calibration"] = {
            "method": quantised.method,
            "pictures": {image.path.name: manifest.sha256_of(image.path) for image in quantised.images},
        }
    return content
