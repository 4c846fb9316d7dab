"""Shows where int8 loses accuracy: the quantization error of each layer of a run's network."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import numpy as np

from convert.evaluation.images import cut, of_examples
from runtime.common.command import run as run_command
from runtime.common.files import write_text
from runtime.common.options import old_name, positive
from runtime.common.tables import aligned
from train.quantization.quantization import METHODS, Range
from train.run.run_folder import RunFolder, open_run

if TYPE_CHECKING:
    import tensorflow as tf

    from train.evaluation.coco import Metrics
    from train.graph.graph import Graph

# AP and AP50; None where the images have no boxes.
Figures = tuple[Optional[float], Optional[float]]

_WORST = 10

_EXAMPLES = """example:
  python -m convert.quantization_report runs/NAME

The table and a chart are also written to the run's export folder.
"""


@dataclass(frozen=True)
class LayerError:
    """Signal-to-noise ratio of one tensor, in decibels; higher is better.

    `own` counts the rounding and clipping of this tensor alone; `total` also counts rounded weights and the
    errors of the layers before. `low` and `high` are the tensor's range.
    """

    name: str
    own: float
    total: float
    low: float
    high: float


@dataclass(frozen=True)
class Report:
    """The error of every layer in the order of execution, and AP of the checkpoint and of the int8 file.

    `int8` is None where the run has no int8 file.
    """

    layers: tuple[LayerError, ...]
    checkpoint: Figures
    int8: Figures | None

    def worst(self, count: int = _WORST) -> tuple[LayerError, ...]:
        """The `count` layers with the lowest `total`, worst first."""
        return tuple(sorted(self.layers, key=lambda layer: layer.total)[:count])


def report(run: RunFolder, *, images: int = 32, method: str | None = None) -> Report:
    """Compares the run's network in float with the quantized one, on `images` validation images.

    Ranges are chosen as `python -m convert` chooses them; `method` is one of `METHODS`. Raises
    InputError where `run` is no run.
    """
    # Read first: loading TensorFlow takes seconds, and a folder that is no run is refused before.
    dataset, size = run.dataset(), run.size()

    from convert.evaluation import evaluate
    from convert.evaluation.images import of_run
    from convert.quantize import quantization
    from convert.quantize.dead_channels import without_dead_channels
    from train.evaluation import checkpoint_detector
    from train.quantization import calibration

    folded = checkpoint_detector.folded(run.network(), run.checkpoint, size, len(dataset.labels))
    graph = without_dead_channels(folded)
    tiles = run.tiles()
    quantized = quantization.quantize(
        graph, cut(of_examples(dataset.train), tiles), method=method, trained=run.quantization()
    )
    chosen = calibration.choose(cut(of_examples(dataset.validation), tiles), images)
    inputs = calibration.images((image.load for image in chosen), size)
    layers = compare(quantized.exact, quantized.graph, quantized.ranges, inputs)

    data = of_run(run).through(tiles)
    checkpoint = evaluate.evaluate_run(run, data, graph=folded, progress=False)
    file = run.export / "detector_int8.tflite"
    int8 = evaluate.evaluate_file(file, data, progress=False) if file.is_file() else None
    return Report(layers, _figures(checkpoint), None if int8 is None else _figures(int8))


def compare(
    exact: Graph, graph: Graph, ranges: Mapping[str, Range], inputs: Iterable[np.ndarray]
) -> tuple[LayerError, ...]:
    """The error of each tensor over `inputs`, which are float32 [1, height, width, 3].

    `graph` has the kernels of the int8 file, `exact` those before rounding.
    """
    import tensorflow as tf

    from train.quantization.fake_quantization import activation

    def powers(image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Sums of squares of each tensor's signal, own error and total error: float32 [3] by name."""
        float_values: dict[str, tf.Tensor] = {}
        sums: dict[str, tf.Tensor] = {}

        def keep(name: str, tensor: tf.Tensor) -> tf.Tensor:
            float_values[name] = tensor
            return tensor

        def measure(name: str, tensor: tf.Tensor) -> tf.Tensor:
            signal = float_values[name]
            rounded = activation(tensor, ranges[name])
            own = activation(signal, ranges[name]) - signal
            sums[name] = tf.stack([tf.reduce_sum(tf.square(x)) for x in (signal, own, rounded - signal)])
            return rounded

        exact.run(image, keep)
        graph.run(image, measure)
        return sums

    signature = [tf.TensorSpec([1, *graph.size, 3], tf.float32)]
    compiled = tf.function(powers, input_signature=signature, autograph=False)
    totals: dict[str, np.ndarray] = {}
    for image in inputs:
        for name, sums in compiled(tf.constant(image)).items():
            totals[name] = totals.get(name, 0.0) + sums.numpy().astype(np.float64)
    return tuple(
        LayerError(name, _decibels(signal, own), _decibels(signal, total), ranges[name].low, ranges[name].high)
        for name, (signal, own, total) in totals.items()
    )


def as_text(report: Report) -> str:
    """The report for a person: AP, the ten tensors with the most error, then every tensor."""
    figures = [("", "AP", "AP50"), ("checkpoint", *map(_number, report.checkpoint))]
    if report.int8:
        lost = (None if a is None or b is None else a - b for a, b in zip(report.checkpoint, report.int8))
        figures += [("int8", *map(_number, report.int8)), ("lost", *map(_number, lost))]
    return "\n".join(
        [
            aligned(figures, indent=""),
            "",
            f"The {_WORST} tensors with the most error (signal-to-noise ratio in dB: own rounding alone, and total)",
            _rows(report.worst()),
            "",
            "Every tensor, in order",
            _rows(report.layers),
        ]
    )


def image(layers: Sequence[LayerError], row: int = 16, width: int = 1100) -> np.ndarray:
    """A bar chart, one bar per tensor, the first at the top: uint8 [H, width, 3] in BGR.

    The dark bar is `total`, the light bar behind it `own`; the full width is 60 dB.
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
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.quantization_report",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    images = parser.add_argument(
        "--images", type=positive, default=32, metavar="N", help="validation images to compare on (default: 32)"
    )
    old_name(parser, "--pictures", images)
    parser.add_argument(
        "--calibration-method",
        choices=METHODS,
        help="how ranges are chosen (default: as `python -m convert` would choose them)",
    )
    arguments = parser.parse_args(argv)
    run = open_run(arguments.run)
    result = report(run, images=arguments.images, method=arguments.calibration_method)
    text = as_text(result)
    print(text)
    for path in _write(result, text, run.export):
        print(f"written: {path}")
    return 0


def _write(report: Report, text: str, folder: Path) -> tuple[Path, Path]:
    import runtime.media.images

    table, chart = folder / "quantization_report.txt", folder / "quantization_report.png"
    write_text(table, text + "\n")
    runtime.media.images.write(chart, image(report.layers))
    return table, chart


def _rows(layers: Sequence[LayerError]) -> str:
    rows = [("tensor", "own", "total", "range")]
    rows += [(x.name, f"{x.own:5.1f}", f"{x.total:5.1f}", f"{x.low:.2f}..{x.high:.2f}") for x in layers]
    return aligned(rows)


def _figures(metrics: Metrics) -> Figures:
    return metrics["AP"], metrics["AP50"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _decibels(signal: float, noise: float) -> float:
    return float(10 * np.log10(max(signal, 1e-12) / max(noise, 1e-12)))


if __name__ == "__main__":
    run_command(main)
