"""The time of built-in post-processing against the custom operation: `python -m tests.support.measure_postprocessing`.

For int8 and float16 files of 4, 20 and 90 classes, on 1 and 2 threads, in interleaved turns: the whole file, and the
post-processing alone (the whole file less its twin without post-processing). Class heads are drawn, and scaled so that
some 300 anchors reach the threshold of the file, as a full image makes them. Not a test: it needs an idle machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from convert.contract import raw_twin
from convert.contract.contract import finish
from convert.evaluation.images import of_files
from convert.file.graph import Form, detector
from convert.file.kinds import FP16, INT8
from convert.file.postprocessing import Postprocessing
from convert.quantize import quantization
from runtime.bench.interleaving import Ratio, rounds
from runtime.common.tables import columns
from runtime.common.values import Labels
from tests.support.paths import ROOT
from train import models
from train.evaluation import checkpoint_detector
from train.graph.graph import Graph, fold
from train.sample_data import generation, scenes

CLASSES = (4, 20, 90)
# Logits of the anchors: a score of 0.01 is 2 standard deviations over the mean.
MEAN, DEVIATION = -7.0, 1.2


def with_classes(graph: Graph, classes: int, image: np.ndarray) -> Graph:
    """`graph` with drawn class heads whose logits on `image` have MEAN and DEVIATION."""
    random = np.random.default_rng(classes)
    changed = {}
    for name in graph.class_heads:
        node = next(node for node in graph.nodes if node.name == name)
        outputs = node.kernel.shape[3] // graph.columns * classes
        kernel = random.normal(0, 1, (*node.kernel.shape[:3], outputs)).astype(np.float32)
        changed[name] = replace(node, kernel=kernel, bias=np.zeros(outputs, np.float32))
    drawn = replace(graph.with_nodes(changed), columns=classes)
    seen: dict[str, np.ndarray] = {}
    drawn.run(tf.constant(image), lambda name, x: seen.setdefault(name, x.numpy()) is None or x)
    for name, node in changed.items():
        scale = DEVIATION / float(seen[name].std())
        bias = np.full_like(node.bias, MEAN - scale * float(seen[name].mean()))
        changed[name] = replace(node, kernel=node.kernel * np.float32(scale), bias=bias)
    return drawn.with_nodes(changed)


def timed(model: bytes, image: np.ndarray, threads: int) -> Callable[[int], Sequence[float]]:
    """A function that runs the model so many times and gives the seconds of each."""
    interpreter = Interpreter(model_content=model, num_threads=threads)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    tensor = image if given["dtype"] == np.float32 else np.rint((image + 1) * 127.5).astype(np.uint8)
    interpreter.set_tensor(given["index"], tensor)

    def run(count: int) -> list[float]:
        times = []
        for _ in range(count):
            start = time.perf_counter()
            interpreter.invoke()
            times.append(time.perf_counter() - start)
        return times

    run(5)
    return run


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100, metavar="N", help="runs of each file (default: 100)")
    frames = parser.parse_args().frames
    folder = Path(tempfile.mkdtemp())
    generation.draw_dataset(folder / "data", images=12)
    images = of_files(sorted((folder / "data" / "JPEGImages").glob("*.jpg")))
    network, start = models.find(models.DEFAULT), ROOT / "train" / "warm_start"
    graph = checkpoint_detector.folded(network, start, network.sizes.default, len(scenes.LABELS))
    image = np.concatenate(list(quantization.calibration.images((found.load for found in images[:1]), network.sizes.default)))
    rows = [("file", "classes", "threads", "network ms", "built-in ms", "custom ms", "after the network", "whole file")]
    for classes in CLASSES:
        wide = with_classes(graph, classes, image)
        quantised = quantization.quantize(wide, images, count=8)
        labels = Labels(tuple(f"class {number}" for number in range(classes)))
        for kind in ("int8", "fp16"):
            given = (quantised.graph, Form(INT8, quantised.ranges)) if kind == "int8" else (wide, Form(FP16))
            built_in, custom = (
                finish(detector(given[0], options, given[1]), labels=labels)
                for options in (Postprocessing(), Postprocessing(custom=True))
            )
            network = raw_twin.twin(built_in, labels=labels)
            for threads in (1, 2):
                files = {"network": network, "built-in": built_in, "custom": custom}
                measured = rounds({name: timed(data, image, threads) for name, data in files.items()}, frames, 5)
                times = {name: float(np.median(values)) * 1e3 for name, values in measured.items()}
                whole = Ratio.of(measured["custom"], measured["built-in"])
                alone = (times["custom"] - times["network"]) / (times["built-in"] - times["network"])
                cells = [f"{times[name]:.2f}" for name in files]
                rows.append((kind, str(classes), str(threads), *cells, f"{alone:.2f}", f"{whole.median:.2f}"))
                print(columns([rows[0], rows[-1]]), flush=True)
    print(columns(rows))


if __name__ == "__main__":
    main()
