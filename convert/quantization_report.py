"""`python -m convert.quantization_report RUN`: where int8 loses accuracy, layer by layer."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.evaluation.images import of_examples
from runtime.common.command import run as run_command
from runtime.common.files import write_text
from runtime.common.options import old_name, positive
from runtime.common.tables import aligned
from train.quantization.quantization import Range
from train.quantization.ranges import METHODS
from train.run.run_folder import RunFolder, open_run

_WORST = 10


@dataclass(frozen=True)
class LayerError:
    """Signal to noise of one tensor, in decibels; higher is better.

    `own` counts its own rounding and clipping alone, `total` also what rounded weights and the layers before it lost.
    """

    name: str
    own: float
    total: float
    low: float
    high: float


@dataclass(frozen=True)
class Report:
    """Every layer's error in the order of execution, and AP of the checkpoint and of the int8 file.

    A figure is a pair AP, AP50; None where the run has no int8 file.
    """

    layers: tuple[LayerError, ...]
    checkpoint: tuple[float, float]
    int8: tuple[float, float] | None

    def worst(self, count: int = _WORST) -> tuple[LayerError, ...]:
        return tuple(sorted(self.layers, key=lambda layer: layer.total)[:count])


def report(run: RunFolder, *, images: int = 32, method: str | None = None) -> Report:
    """Compares the run's network in float and with quantised tensors on validation images.

    Ranges are chosen as `python -m convert` chooses them.
    """
    # What is no run is refused before TensorFlow is loaded, which takes seconds.
    dataset, size = run.dataset(), run.config()["task"]["size"]

    from convert.evaluation import checkpoint_detector, evaluate
    from convert.evaluation.images import of_run
    from convert.quantize import quantization
    from convert.quantize.dead_channels import without_silent_channels
    from train.models.folding import fold
    from train.quantization import calibration

    network = checkpoint_detector.load(run.checkpoint, size, len(dataset.labels))
    folded = fold(network).frozen()
    graph = without_silent_channels(folded)
    quantised = quantization.quantise(graph, of_examples(dataset.train), method=method, trained=run.quantization())
    chosen = calibration.choose(of_examples(dataset.validation), images)
    inputs = calibration.images((image.load for image in chosen), size)
    layers = compare(quantised.exact, quantised.graph, quantised.ranges, inputs)

    data = of_run(run)
    checkpoint = evaluate.evaluate_run(run, data, graph=folded, progress=False)
    file = run.export / "detector_int8.tflite"
    int8 = evaluate.evaluate_file(file, data, progress=False) if file.is_file() else None
    return Report(
        layers, (checkpoint["AP"], checkpoint["AP50"]), None if int8 is None else (int8["AP"], int8["AP50"])
    )


def compare(exact, graph, ranges: Mapping[str, Range], inputs: Iterable[np.ndarray]) -> tuple[LayerError, ...]:
    """Each tensor's signal to noise over `inputs`, float32 [1, size, size, 3] each.

    `graph` has the kernels of the int8 file, `exact` those before rounding.
    """
    import tensorflow as tf

    from train.quantization.fake_quantization import activation

    @tf.function(input_signature=[tf.TensorSpec([1, graph.size, graph.size, 3], tf.float32)], autograph=False)
    def powers(image):
        wanted, sums = {}, {}

        def keep(name, tensor):
            wanted[name] = tensor
            return tensor

        def measure(name, tensor):
            rounded = activation(tensor, ranges[name])
            own = activation(wanted[name], ranges[name]) - wanted[name]
            total = rounded - wanted[name]
            sums[name] = tf.stack([tf.reduce_sum(tf.square(x)) for x in (wanted[name], own, total)])
            return rounded

        exact.run(image, keep)
        graph.run(image, measure)
        return sums

    totals: dict[str, np.ndarray] = {}
    for image in inputs:
        for name, sums in powers(tf.constant(image)).items():
            totals[name] = totals.get(name, 0.0) + sums.numpy().astype(np.float64)
    return tuple(
        LayerError(name, _decibels(signal, own), _decibels(signal, total), ranges[name].low, ranges[name].high)
        for name, (signal, own, total) in totals.items()
    )


def as_text(found: Report) -> str:
    """The worst ten, the figures, and every layer."""
    figures = [("", "AP", "AP50"), ("checkpoint", *(f"{x:.4f}" for x in found.checkpoint))]
    if found.int8:
        figures.append(("int8", *(f"{x:.4f}" for x in found.int8)))
        figures.append(("lost", *(f"{a - b:.4f}" for a, b in zip(found.checkpoint, found.int8))))
    return "\n".join(
        [
            aligned(figures, indent=""),
            "",
            f"The {_WORST} tensors with the most error (signal to noise in dB; own rounding alone, and with what came before)",
            _rows(found.worst()),
            "",
            "Every tensor, in order",
            _rows(found.layers),
        ]
    )


def image(layers: Sequence[LayerError], row: int = 16, width: int = 1100) -> np.ndarray:
    """A bar for each tensor, first one on top: uint8 [H, width, 3] in BGR.

    The dark bar is the total, the light one behind it the tensor's own rounding alone; full width
    is 60 dB.
    """
    from runtime.common.opencv import cv2

    left, full = 260, 60.0
    image = np.full((row * (len(layers) + 2), width, 3), 255, np.uint8)
    font, grey, light, dark = cv2.FONT_HERSHEY_SIMPLEX, (90, 90, 90), (235, 206, 170), (160, 90, 20)
    scale = (width - left - 60) / full
    for tick in range(0, int(full) + 1, 10):
        x = int(left + tick * scale)
        cv2.line(image, (x, row), (x, image.shape[0]), (225, 225, 225), 1)
        cv2.putText(image, f"{tick} dB", (x - 12, row - 4), font, 0.38, grey, 1, cv2.LINE_AA)
    for i, layer in enumerate(layers, start=1):
        top, bottom = i * row + 3, (i + 1) * row - 2
        for value, color in ((layer.own, light), (layer.total, dark)):
            cv2.rectangle(image, (left, top), (int(left + np.clip(value, 0, full) * scale), bottom), color, -1)
        cv2.putText(image, layer.name, (6, bottom - 1), font, 0.38, (30, 30, 30), 1, cv2.LINE_AA)
    return image


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m convert.quantization_report", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    images = parser.add_argument("--images", type=positive, default=32, help="validation images to compare on (default: 32)")
    old_name(parser, "--pictures", images)
    parser.add_argument(
        "--calibration-method", choices=METHODS, help="as `python -m convert` has it (default: as it would convert)"
    )
    arguments = parser.parse_args(argv)
    run = open_run(arguments.run)
    found = report(run, images=arguments.images, method=arguments.calibration_method)
    text = as_text(found)
    print(text)
    for path in _write(found, text, run.export):
        print(f"written: {path}")
    return 0


def _write(found: Report, text: str, folder: Path) -> tuple[Path, Path]:
    import runtime.media.images

    table, chart = folder / "quantization_report.txt", folder / "quantization_report.png"
    write_text(table, text + "\n")
    runtime.media.images.write(chart, image(found.layers))
    return table, chart


def _rows(layers: Sequence[LayerError]) -> str:
    rows = [("tensor", "own", "total", "range")]
    rows += [(x.name, f"{x.own:5.1f}", f"{x.total:5.1f}", f"{x.low:.2f}..{x.high:.2f}") for x in layers]
    return aligned(rows)


def _decibels(signal: float, noise: float) -> float:
    return float(10 * np.log10(max(signal, 1e-12) / max(noise, 1e-12)))


if __name__ == "__main__":
    run_command(main)
