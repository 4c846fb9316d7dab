"""Converts a checkpoint to an export folder: files of the kinds asked for, labels and the manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from convert.evaluation import gate
from convert.evaluation.evaluate import evaluate_checkpoint
from convert.evaluation.gate import Admitted
from convert.evaluation.images import EvaluationSet, Image, cut, of_examples, of_files, of_run
from convert.evaluation.per_class import MAX_CLASS_DROP
from convert.export import manifest
from convert.export.files import planned
from convert.export.plan import Plan
from convert.export.staging import publish, staging
from convert.file import kinds, trained_on
from convert.file.postprocessing import Postprocessing
from convert.quantize import quantization
from convert.quantize.dead_channels import without_dead_channels
from convert.quantize.quantization import Quantized
from runtime.boxes.tiles import Tiles
from runtime.common.command_parser import kit_version
from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Labels
from runtime.media.images import is_image
from train.checkpoints import variables
from train.evaluation import checkpoint_detector
from train.evaluation.coco import Metrics
from train.geometry.normalization import Normalization
from train.geometry.size import InputSize
from train.graph.edge_tpu import for_edge_tpu
from train.graph.graph import Graph
from train.network.network import Network
from train.quantization.calibration import IMAGES as CALIBRATION_IMAGES
from train.quantization.quantization import Quantization
from train.run.run_folder import RunFolder

# Detections of all classes share the slots, and one place may take a slot for each class. On drawn shapes of four
# classes 25 slots cost 0.002 AP more than 50; on blood cells, with up to 30 boxes in an image, 25 cost 0.016 and 100
# nothing.
_SLOTS, _MANY_SLOTS = 50, 100
# From this number of boxes in an image on, files get the many.
_FULL = 13
_LABELS = "labels.txt"
# Pairs of anchor and class that are sorted and suppressed; beyond these, AP does not rise.
_CANDIDATES, _MANY_CANDIDATES = 512, 1000


@dataclass(frozen=True)
class Source:
    """What is converted.

    `size` is that of the input. `calibration` are the images that int8 is calibrated on.
    `fullest` is the greatest number of boxes in an image, 0 if unknown. `validation` is what AP is measured
    on, None if there is no labeled data. `quantization` is what a run of quantization-aware training trained
    with, None for a float run. `about` are the manifest's entries on the source. `reported` are the figures that
    training reported of the checkpoint, None where it reported none; of a run of quantization-aware training those of its float
    run, since its own were taken after the loss. `reported_by` says whose they are. `detections`, `score` and `iou` are those of the
    post-processing unless `Options` has others; `detections` None means as many as its images need. `tiles` are those that
    it was trained on: `calibration` are such tiles, and `validation` is looked at through them.
    """

    checkpoint: Path
    size: InputSize
    labels: Labels
    calibration: tuple[Image, ...] = ()
    fullest: int = 0
    validation: EvaluationSet | None = None
    quantization: Quantization | None = None
    about: dict[str, Any] = field(default_factory=dict)
    reported: Metrics | None = None
    reported_by: str = "as training reported it"
    detections: int | None = None
    score: float = Postprocessing.score
    iou: float = Postprocessing.iou
    tiles: Tiles | None = None


@dataclass(frozen=True)
class Options:
    """Which files to write, and what their gates allow (see `gate.admit`).

    The first five are `convert.file.kinds.KINDS`. With `raw_head` each file gets a twin without post-processing (see
    `raw_twin.twin`). `normalization`, `batch` and `input_type` ("int8" or "uint8", of int8_io) are those of
    `convert.export.files.Plan`. `detections` None means the source's, else 50, or 100 where an image has more than 12
    boxes. `score` and `iou` are those of `Postprocessing`, None those of the source. `method` None means the ranges that
    a run was trained with, else "mse". `calibration` is the number of images to calibrate on. With `custom` detections are
    made by one custom operation (see `Postprocessing`). With `edge_tpu` int8 files have only operations that the Edge TPU has
    (see `for_edge_tpu`).
    """

    fp16: bool = False
    int8: bool = True
    int8_io: bool = False
    dynamic_range: bool = False
    int16x8: bool = False
    raw_head: bool = False
    normalization: Normalization = Normalization()
    batch: int = 1
    input_type: str = "int8"
    detections: int | None = None
    score: float | None = None
    iou: float | None = None
    method: str | None = None
    calibration: int = CALIBRATION_IMAGES
    max_drop: float = gate.MAX_DROP
    max_class_drop: float = MAX_CLASS_DROP
    gate: bool = True
    custom: bool = False
    edge_tpu: bool = False

    def plan(self) -> Plan:
        """The files to write. Raises InputError where the options do not go together."""
        chosen = tuple(kind for kind in kinds.KINDS.values() if getattr(self, kind.name))
        return Plan(chosen, self.raw_head, self.normalization, self.batch, self.input_type == "int8")


def source_of_run(run: RunFolder) -> Source:
    """The best checkpoint of a run, calibrated on its training images and measured on its validation images."""
    dataset, config, tiles = run.dataset(), run.config(), run.tiles()
    reported, reported_by = reported_of(run)
    return Source(
        checkpoint=run.checkpoint,
        size=run.size(),
        labels=dataset.labels,
        calibration=cut(of_examples(dataset.train), tiles),
        fullest=max(len(example.boxes) for example in (*dataset.train, *dataset.validation)),
        validation=of_run(run).through(tiles),
        quantization=run.quantization(),
        about={"run": str(run.path), "data": config["data"], **_float_run(config)},
        reported=reported,
        reported_by=reported_by,
        tiles=tiles,
    )


def reported_of(run: RunFolder) -> tuple[Metrics | None, str]:
    """The figures that a file of the run is held to, and whose they are."""
    path = _float_run(run.config()).get("float_run", "")
    before = RunFolder(Path(path)) if path else run
    if before.has_ended:
        return _metrics(before), f"as training reported it of {path}" if path else Source.reported_by
    if not run.has_ended:
        return None, Source.reported_by
    return _metrics(run), f"as quantization-aware training reported it, since its float run {path} is not there any more"


def _metrics(run: RunFolder) -> Metrics:
    # An early run reported no figures of classes.
    return Metrics.from_dict({"per_class": {}, "per_class_50": {}, **run.metrics()})


def _float_run(config: Mapping[str, Any]) -> dict[str, str]:
    """The float run that a run of quantization-aware training started from."""
    path = config["task"].get("float_run")
    return {"float_run": path} if path else {}


def source_of_checkpoint(
    path: Path, size: InputSize, labels: Labels, images: str | os.PathLike[str] | None, tiles: Tiles | None = None
) -> Source:
    """A checkpoint, unchanged; `images` is a folder to calibrate int8 on, `tiles` are those that it was trained on.

    Raises InputError where the folder holds no images.
    """
    calibration = images_in(images) if images is not None else ()
    return Source(path, size, labels, cut(calibration, tiles), about={"checkpoint": str(path)}, tiles=tiles)


def images_in(path: str | os.PathLike[str]) -> tuple[Image, ...]:
    """All images in a folder, to calibrate on. Raises InputError where it holds none."""
    folder = Path(path)
    found = of_files(sorted(file for file in folder.rglob("*") if is_image(file)), folder)
    if not found:
        raise InputError(f"{folder}: no images to calibrate with")
    return found


def export(source: Source, folder: Path, options: Options, say: Callable[[str], None] = print) -> tuple[Admitted, ...]:
    """Writes the files that `options` ask for into `folder`, with `labels.txt` and the manifest: all of them, or none.

    All files are made from one folded graph. `say` gets a line for each step. Raises KitError where a file
    does not pass its gate, which leaves all files in `folder` as they were, and InputError where a kind is asked for that needs images to calibrate on and there are
    none, or where options do not go together.
    """
    plan = options.plan()
    calibrated = [kind.name for kind in plan.kinds if kind.int8 or kind == kinds.INT16X8]
    if calibrated and not source.calibration:
        raise InputError(
            f"{calibrated[0]} needs images to calibrate with; name a folder of them with --calibration-images,"
            " or labelled ones with --data"
        )
    postprocessing = _postprocessing(source, options)
    plan.check(postprocessing)
    network = variables.network_of(source.checkpoint)
    folded = checkpoint_detector.folded(network, source.checkpoint, source.size, len(source.labels))
    graph = without_dead_channels(folded)
    for_int8 = _for_int8(graph, source, options)
    reference = _reference(source, folded, say)
    quantized = None
    if any(kind.int8 for kind in plan.kinds):
        quantized = quantization.quantize(
            for_int8,
            source.calibration,
            count=options.calibration,
            method=options.method,
            trained=source.quantization,
        )
        say(_ranges_line(quantized))
    made = list(
        planned(plan, graph, quantized, source.calibration, postprocessing, source.labels, kit_version())
    )

    files = []
    with staging(folder) as new:
        write_text(new / _LABELS, source.labels.text())
        for item in made:
            file = gate.admit(
                trained_on.marking(item.make, source.tiles),
                new / item.name,
                item.kind,
                validation=source.validation,
                reference=reference,
                max_drop=options.max_drop,
                max_class_drop=options.max_class_drop,
                closed=options.gate,
                rejects=folder,
            )
            files.append(file)
            say(_line(file, folder, reference))
        about = _about(source, network, options, postprocessing, quantized, reference)
        manifest.write(new, about, files, source.validation.about if source.validation else None, graph.head)
        publish(new, folder, (_LABELS, *(file.path.name for file in files)))
    return tuple(replace(file, path=folder / file.path.name) for file in files)


def _for_int8(graph: Graph, source: Source, options: Options) -> Graph:
    """The graph that int8 files are made of.

    Raises InputError where a run trained with ranges of other operations than the Edge TPU gets.
    """
    if not options.edge_tpu:
        return graph
    changed = for_edge_tpu(graph)
    if source.quantization is not None and options.method is None and len(changed.nodes) != len(graph.nodes):
        raise InputError(
            f"{source.checkpoint}: was trained with --qat for operations that the Edge TPU does not have, and these get others:"
            " the ranges that it trained with do not hold there; give --calibration-method mse, or convert the float run"
        )
    return changed


def _postprocessing(source: Source, options: Options) -> Postprocessing:
    slots = options.detections or source.detections or (_MANY_SLOTS if source.fullest >= _FULL else _SLOTS)
    score = source.score if options.score is None else options.score
    iou = source.iou if options.iou is None else options.iou
    candidates = _CANDIDATES if slots <= _SLOTS else _MANY_CANDIDATES
    return Postprocessing(slots, score, iou, candidates, options.custom)


def _reference(source: Source, graph: Graph, say: Callable[[str], None]) -> Metrics | None:
    """What files are compared with: the figures that training reported of the checkpoint.

    What it reported nothing of, the checkpoint or its classes, is measured as training measures: suppression within
    each class, several classes an anchor, 100 detections. None where there is nothing to measure on.
    """
    if source.validation is None:
        return None
    reference, origin = source.reported, source.reported_by
    if reference is None or not reference.per_class:
        measured = evaluate_checkpoint(
            source.checkpoint, source.size, source.labels, source.validation, graph=graph, progress=False
        )
        if reference is None:
            reference, origin = measured, "measured as in training"
        else:
            origin += ", its classes measured as in training"
            reference = replace(reference, per_class=measured.per_class, per_class_50=measured.per_class_50)
    say(f"checkpoint: {_figures(reference)}  on {source.validation.about}, {origin}")
    return reference


def _ranges_line(quantized: Quantized) -> str:
    if quantized.method == quantization.TRAINED:
        return "int8 ranges are those that the run was trained with; no calibration"
    return f"int8 ranges by {quantized.method} over {len(quantized.images)} images"


def _line(file: Admitted, folder: Path, reference: Metrics | None) -> str:
    text = f"{folder / file.path.name}: {file.path.stat().st_size / 1e6:.2f} MB"
    kind = kinds.named(file.kind)[0]
    if kind.not_edge_tpu and kind != kinds.FP16:
        text += f"  (not for the Edge TPU: {kind.not_edge_tpu})"
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
    network: Network,
    options: Options,
    postprocessing: Postprocessing,
    quantized: Quantized | None,
    reference: Metrics | None,
) -> dict[str, Any]:
    content = {
        **source.about,
        "network": network.name,
        "size": source.size.recorded,
        **({"tiles": str(source.tiles)} if source.tiles else {}),
        "labels": list(source.labels),
        "post_processing": asdict(postprocessing),
        "input": asdict(options.normalization),
        "gate": {"closed": options.gate, "max_drop": options.max_drop, "max_class_drop": options.max_class_drop},
    }
    if reference is not None:
        content["checkpoint_figures"] = {"AP": reference["AP"], "AP50": reference["AP50"]}
    if quantized is not None:
        content["calibration"] = {
            "method": quantized.method,
            "pictures": manifest.hashes(dict.fromkeys(image.path for image in quantized.images)),
        }
    return content
