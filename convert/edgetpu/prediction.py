"""Predicts, without the compiler, what of a file the Edge TPU will run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Optional

from convert.edgetpu import rules as edgetpu_rules
from convert.edgetpu.report import MAPPED
from convert.edgetpu.rules import ONE_SUBGRAPH, Fault
from convert.file import anatomy, flatbuffer_objects
from runtime.common.tables import aligned
from runtime.model.tflite import Model

# What reports say is used and left for parameters adds up to 7.72 and 7.73 MiB.
ON_CHIP = int(7.7 * (1 << 20))

# The compiler keeps parameters in a layout of its own. Its report of the published FPNLite 320 has
# 3.42 MiB on the chip for 112 operations whose parameters are 2.65 MiB in the file.
LAYOUT = 1.3

PREDICTS = (
    "This is a prediction from the published rules. Only edgetpu_compiler decides, and it was not "
    "run here."
)


@dataclass(frozen=True)
class Operation:
    """One operation's predicted `status`; `fault` is its own, `doubt` what may still go wrong.

    An operation without a fault that is not mapped comes after one that is not.
    """

    index: int
    name: str
    layer: str
    status: str
    fault: Optional[Fault]
    doubt: str
    postprocessing: bool

    @property
    def mapped(self) -> bool:
        return self.status == MAPPED


@dataclass(frozen=True)
class Prediction:
    """`operations` are all of the main graph.

    `parameters` are bytes in the file of what mapped operations are computed with; `on_chip` and
    `streamed` are what they are expected to take on the Edge TPU.
    """

    operations: tuple[Operation, ...]
    parameters: int

    @property
    def on_chip(self) -> int:
        return min(round(self.parameters * LAYOUT), ON_CHIP)

    @property
    def streamed(self) -> int:
        return max(round(self.parameters * LAYOUT) - ON_CHIP, 0)

    @property
    def network(self) -> tuple[Operation, ...]:
        """The operations before the post-processing and the dequantisation in front of it."""
        return tuple(op for op in self.operations if not op.postprocessing)

    @property
    def mapped(self) -> int:
        return sum(operation.mapped for operation in self.operations)

    @property
    def share(self) -> float:
        """Mapped operations of those before the post-processing; 0..1."""
        return sum(op.mapped for op in self.network) / max(len(self.network), 1)

    @property
    def breaks(self) -> tuple[Operation, ...]:
        """The operations that end the TPU part: not mapped by a fault of their own."""
        return tuple(op for op in self.network if op.fault)


def predict(model: Model) -> Prediction:
    """What the rules say of every operation of `model`.

    With one subgraph on the TPU, an operation is mapped where its own rules allow it and all that
    it computes from is mapped.
    """
    options = [op.builtinOptions for op in flatbuffer_objects.unpack(model.data).subgraphs[0].operators]
    found = anatomy.postprocess(model)
    on_tpu = set(model.main.inputs)
    operations, parameters = [], {}
    for index, operator in enumerate(model.main.operators):
        rules = edgetpu_rules.Operation(model, operator, options[index])
        fault = edgetpu_rules.fault(rules)
        constants = [i for i in operator.inputs if i >= 0 and anatomy.is_constant(model, i)]
        reachable = set(operator.inputs) - {-1} - set(constants) <= on_tpu
        # Behind the network all is for the CPU: it sorts and picks, and computes in floating point.
        after = bool(found and index in found.steps)
        mapped = fault is None and reachable and not after
        if mapped:
            on_tpu.update(operator.outputs)
            parameters.update((i, _bytes(model, i)) for i in constants)
        status = MAPPED if mapped else fault.status if fault else ONE_SUBGRAPH
        operations.append(
            Operation(
                index,
                anatomy.operation_name(operator),
                anatomy.layer(model, operator),
                status,
                fault,
                edgetpu_rules.doubt(rules) if mapped else "",
                after,
            )
        )
    return Prediction(tuple(operations), sum(parameters.values()))


def as_text(prediction: Prediction) -> str:
    """What `--check` prints."""
    network = prediction.network
    count = sum(op.mapped for op in network)
    rest = len(prediction.operations) - len(network)
    lines = [
        PREDICTS,
        "",
        f"{count} of {len(network)} operations before the post-processing will map "
        f"({100 * prediction.share:.0f} %); "
        + (f"the {rest} of the post-processing run on the CPU." if rest else "there is none in the file."),
        f"Expected memory for {_mib(prediction.parameters)} of parameters: about "
        f"{_mib(prediction.on_chip)} on the chip, {_mib(prediction.streamed)} streamed at every "
        "inference.",
        "",
        _status_table(prediction),
    ]
    if prediction.breaks:
        lines += ["", "The TPU part ends at", _break_table(prediction)]
    doubts = {(op.name, op.doubt): op.layer for op in prediction.operations if op.doubt}
    if doubts:
        rows = [(name, doubt, f"such as {layer}") for (name, doubt), layer in doubts.items()]
        lines += ["", "Not certain", aligned(rows)]
    return "\n".join(lines)


def as_dict(prediction: Prediction) -> dict[str, Any]:
    """What `--check --json` prints; also for the manifest."""
    return {
        "source": "prediction",
        "note": PREDICTS,
        "operations": len(prediction.operations),
        "on_edge_tpu": prediction.mapped,
        "on_cpu": len(prediction.operations) - prediction.mapped,
        "share_before_post_processing": round(prediction.share, 4),
        "parameter_bytes": prediction.parameters,
        "on_chip_bytes": prediction.on_chip,
        "streamed_bytes": prediction.streamed,
        "table": [
            {"operator": name, "count": count, "status": status}
            for (name, status), count in _counts(prediction).items()
        ],
        "breaks": [
            {
                "operation": op.index,
                "operator": op.name,
                "layer": op.layer,
                "status": op.fault.status,
                "reason": op.fault.reason,
                "fix": op.fault.fix,
            }
            for op in prediction.breaks
        ],
    }


def _counts(prediction: Prediction) -> Counter:
    return Counter((op.name, op.status) for op in prediction.operations)


def _status_table(prediction: Prediction) -> str:
    rows = [("operator", "count", "predicted status")]
    rows += [(name, count, status) for (name, status), count in _counts(prediction).items()]
    return aligned(rows)


def _break_table(prediction: Prediction) -> str:
    rows = []
    for op in prediction.breaks:
        rows.append((op.index, op.name, f"{op.fault.status}: {op.fault.reason}"))
        rows.append(("", "", f"layer: {op.layer}"))
        rows.append(("", "", f"to do: {op.fault.fix}"))
    return aligned(rows)


def _bytes(model: Model, index: int) -> int:
    return len(model.buffers[model.main.tensors[index].buffer])


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.2f} MiB"
