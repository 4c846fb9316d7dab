"""An int8 file of the kit, layer by layer: the stored values of each node of the graph that it was made of.

Along a hundred layers a value that is rounded the other way becomes steps, in most of which nothing is wrong: of a whole
network only a gross fault shows. Where each layer starts from what the file itself stored, one step is a difference.
"""

from __future__ import annotations

import numpy as np

from runtime.model.tflite import Model, Operator
from train.graph.graph import Graph, Node

_NAMES = {"conv": "CONV_2D", "depthwise": "DEPTHWISE_CONV_2D", "add": "ADD", "upsample": "RESIZE_NEAREST_NEIGHBOR"}


class Layers:
    """The int8 file `model` with uint8 input, in TFLite's own kernels, which follow the quantization specification."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._model = Model.parse(model)
        self._native = Interpreter(
            model_content=model,
            num_threads=2,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        self._native.allocate_tensors()

    def run(self, graph: Graph, image: np.ndarray) -> dict[str, tuple[np.ndarray, float]]:
        """Runs on uint8 [1, S, S, 3]; returns the real values of each node of `graph`, and their step.

        `graph` has the rounded kernels, by which operations are told apart. Raises AssertionError where a node has no
        operation of its own with its very kernel.
        """
        self._native.set_tensor(self._native.get_input_details()[0]["index"], image)
        self._native.invoke()
        return {name: (self._real(index), self._step(index)) for name, index in self._places(graph).items()}

    def _places(self, graph: Graph) -> dict[str, int]:
        steps = self._model.main.operators
        assert steps[0].name == "QUANTIZE"
        places = {"image": steps[0].outputs[0]}
        for node in graph.nodes:
            sources = {places[name] for name in node.inputs}
            fitting = [step for step in steps if sources <= set(step.inputs) and self._is(step, node)]
            assert len(fitting) == 1, f"{node.name}: {len(fitting)} operations of the file compute it"
            places[node.name] = fitting[0].outputs[0]
        return places

    def _is(self, step: Operator, node: Node) -> bool:
        if step.name != _NAMES[node.kind] or node.kernel is None:
            return step.name == _NAMES[node.kind]
        # Kernels are [out, kh, kw, in] in a file, and of a depthwise convolution [1, kh, kw, in].
        kernel = np.asarray(node.kernel).transpose(3, 0, 1, 2)
        tensor = self._model.main.tensors[step.inputs[1]]
        if tuple(tensor.shape) != kernel.shape:
            return False
        scales = tensor.quantization.scales.reshape((-1, 1, 1, 1) if node.kind == "conv" else (1, 1, 1, -1))
        stored = self._native.get_tensor(step.inputs[1]).astype(np.float32) * scales
        return np.allclose(stored, kernel, rtol=0, atol=1e-6 * np.abs(kernel).max())

    def _real(self, index: int) -> np.ndarray:
        quantization = self._model.main.tensors[index].quantization
        stored = self._native.get_tensor(index).astype(np.float32)
        return (stored - np.float32(quantization.zero_points[0])) * np.float32(quantization.scales[0])

    def _step(self, index: int) -> float:
        return float(self._model.main.tensors[index].quantization.scales[0])
