"""Which files an export writes: one for each kind, and how each is made of what the converter gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convert.contract import raw_twin
from convert.contract.contract import finish
from convert.evaluation.gate import Make
from convert.evaluation.images import Image
from convert.export.plan import Plan
from convert.file import kinds
from convert.file.conversion import Job, converted
from convert.file.kinds import RAW_SUFFIX, Kind
from convert.file.metadata import ModelInfo
from convert.file.postprocessing import Postprocessing
from convert.quantize.quantization import Quantized
from runtime.common.values import Labels
from runtime.inference import preprocessing
from runtime.model.raw_head import RawHead
from train.geometry.normalization import Normalization
from train.geometry.size import InputSize
from train.graph.graph import Graph
from train.quantization import calibration

# The converter calibrates 16-bit activations on the least and the greatest value alone, for which few images do.
_IMAGES_16 = 100


@dataclass(frozen=True)
class Planned:
    """A file to write: its `kind` as `contract.check` expects it, `name` in the export folder, what makes its bytes."""

    kind: str
    name: str
    make: Make


def planned(
    plan: Plan,
    graph: Graph,
    quantized: Quantized | None,
    images: Sequence[Image],
    postprocessing: Postprocessing,
    labels: Labels,
    version: str,
) -> Iterator[Planned]:
    """The files of `plan`, each converted.

    `graph` is the float network, `quantized` the same for int8 kinds, and `images` are those to calibrate on.
    """
    jobs: dict[Kind, Job] = {}
    for kind in plan.kinds:
        job = _job(kind, plan, graph, quantized, images)
        # int8 and int8_io are one conversion.
        jobs.setdefault(job.kind, job)
    models = dict(zip(jobs, converted(list(jobs.values()), postprocessing)))
    head = _head(graph, postprocessing)
    for kind in plan.kinds:
        model = models[_converted_as(kind)]
        normalization = plan.normalization if kind.inputs == ("float32",) else Normalization()

        def whole(score: float | None, model: bytes = model, normalization: Normalization = normalization) -> bytes:
            info = ModelInfo(version=version, score_threshold=score, normalization=normalization)
            return finish(model, labels=labels, info=info)

        def twin(
            score: float | None,
            kind: Kind = kind,
            model: bytes = model,
            whole: Make = whole,
            normalization: Normalization = normalization,
        ) -> bytes:
            int8_input = plan.int8_input and kind == kinds.INT8_IO
            about = (labels, version, score, normalization, int8_input)
            return _twin(whole(None), *about) if plan.batch == 1 else _described(model, head, *about)

        batch = f"_batch{plan.batch}" if plan.batch > 1 else ""
        if kind.raw:
            yield Planned(kind.name, f"detector_{kind.name}{batch}.tflite", twin)
            continue
        if plan.batch == 1:
            yield Planned(kind.name, f"detector_{kind.name}.tflite", whole)
        if plan.raw:
            yield Planned(kind.name + RAW_SUFFIX, f"detector_{kind.name}{batch}{RAW_SUFFIX}.tflite", twin)


def _converted_as(kind: Kind) -> Kind:
    return kinds.INT8 if kind.int8 else kind


def _job(kind: Kind, plan: Plan, graph: Graph, quantized: Quantized | None, images: Sequence[Image]) -> Job:
    if kind.int8:
        assert quantized is not None
        return Job(kinds.INT8, quantized.graph, quantized.ranges, batch=plan.batch)
    pixels = _pixels(images, graph.size) if kind == kinds.INT16X8 else None
    return Job(kind, graph, None, pixels, plan.normalization, plan.batch)


def _pixels(images: Sequence[Image], size: InputSize) -> npt.NDArray[np.uint8]:
    chosen = calibration.choose(images, _IMAGES_16)
    return np.stack([preprocessing.resize(image.load(), size) for image in chosen])


def _head(graph: Graph, postprocessing: Postprocessing) -> RawHead:
    return RawHead(
        anchors=graph.head.anchors,
        classes=graph.columns,
        first=0,
        detections=postprocessing.detections,
        score=postprocessing.score,
        iou=postprocessing.iou,
        scales=graph.head.scales,
        candidates=min(postprocessing.candidates, len(graph.head.anchors) * graph.columns),
        bins=graph.head.bins,
    )


def _twin(
    whole: bytes, labels: Labels, version: str, score: float | None, normalization: Normalization, int8_input: bool
) -> bytes:
    return raw_twin.twin(
        whole,
        labels=labels,
        version=version,
        score_threshold=score,
        normalization=normalization,
        int8_input=int8_input,
    )


def _described(
    model: bytes,
    head: RawHead,
    labels: Labels,
    version: str,
    score: float | None,
    normalization: Normalization,
    int8_input: bool,
) -> bytes:
    return raw_twin.described(
        model,
        head,
        labels=labels,
        version=version,
        score_threshold=score,
        normalization=normalization,
        int8_input=int8_input,
    )
