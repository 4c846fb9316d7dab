"""Predicts, without the compiler, which operations of a file the Edge TPU will run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Optional

from convert.edgetpu import operation as subjects
from convert.edgetpu import rules
from convert.edgetpu.operation import ONE_SUBGRAPH, Fault
from convert.edgetpu.report import MAPPED
from convert.file import anatomy, flatbuffer_objects
from runtime.common.tables import aligned
from runtime.model.tflite import Model

# The memory for parameters, in bytes: used and remaining memory add up to 7.72 and 7.73 MiB in reports.
ON_CHIP = int(7.7 * (1 << 20))

# How much larger parameters are in the compiler's layout. Its report of the published FPNLite 320 has
# 3.42 MiB on the chip for 112 operations whose parameters are 2.65 MiB in the file.
LAYOUT = 1.3

PREDICTS = (
    "This is a prediction from the published rules. Only edgetpu_compiler decides, and it was not "
    "run here."
)


@dataclass(frozen=True)
class Operation:
    """The prediction for one operation.

    `status` is one of the compiler's messages. `fault` is why the operation cannot be mapped, None where the rules
    allow it; without a fault it is still not mapped if one before it is not. `doubt` is why the compiler may
    refuse it all the same. `postprocessing` is true for the post-processing and the dequantization before it.
    `at_edge` is true where it quantizes an input of the model or dequantizes an output: the CPU does that, and the part
    on the TPU does not end there. `runtime` is the oldest Edge TPU runtime that runs it, 0 where it is not mapped.
    """

    index: int
    name: str
    layer: str
    status: str
    fault: Optional[Fault]
    doubt: str
    postprocessing: bool
    runtime: int = 0
    at_edge: bool = False

    @property
    def mapped(self) -> bool:
        """Whether the Edge TPU will run it."""
        return self.status == MAPPED


@dataclass(frozen=True)
class Prediction:
    """The prediction for a file.

    `operations` are all operations of the main graph, in its order. `parameters` are the parameters of the
    mapped ones, in bytes in the file.
    """

    operations: tuple[Operation, ...]
    parameters: int

    @property
    def on_chip(self) -> int:
        """Bytes of parameters that the chip's memory is expected to hold."""
        return min(round(self.parameters * LAYOUT), ON_CHIP)

    @property
    def streamed(self) -> int:
        """Bytes of parameters that are expected to be sent at every inference."""
        return max(round(self.parameters * LAYOUT) - ON_CHIP, 0)

    @property
    def network(self) -> tuple[Operation, ...]:
        """The operations before the post-processing and the dequantization in front of it."""
        return tuple(op for op in self.operations if not op.postprocessing)

    @property
    def mapped(self) -> int:
        """The number of operations that the Edge TPU will run."""
        return sum(operation.mapped for operation in self.operations)

    @property
    def runtime(self) -> int:
        """The oldest Edge TPU runtime that runs all that is mapped, as the published rules have it."""
        return max((op.runtime for op in self.operations), default=0) or rules.OLDEST

    @property
    def share(self) -> float:
        """The share of the operations before the post-processing that is mapped, 0..1."""
        return sum(op.mapped for op in self.network) / max(len(self.network), 1)

    @property
    def breaks(self) -> tuple[tuple[Operation, Fault], ...]:
        """The operations at which the Edge TPU's part ends, each with its fault."""
        return tuple((op, op.fault) for op in self.network if op.fault and not op.at_edge)

    @property
    def edges(self) -> tuple[tuple[Operation, Fault], ...]:
        """The operations between the Edge TPU's part and what the caller feeds or gets, each with its fault."""
        return tuple((op, op.fault) for op in self.network if op.fault and op.at_edge)


def predict(model: Model) -> Prediction:
    """Applies the rules to every operation of `model`.

    The Edge TPU runs one subgraph: an operation is mapped where its own rules allow it and all operations that
    it depends on are mapped, or quantize an input of the model.
    """
    options = [op.builtinOptions for op in flatbuffer_objects.unpack(model.data).subgraphs[0].operators]
    found = anatomy.postprocess(model)
    on_tpu = set(model.main.inputs)
    operations: list[Operation] = []
    parameters: dict[int, int] = {}
    for index, operator in enumerate(model.main.operators):
        subject = subjects.Operation(model, operator, options[index])
        fault = rules.fault(subject)
        constants = [i for i in operator.inputs if i >= 0 and anatomy.is_constant(model, i)]
        reachable = set(operator.inputs) - {-1} - set(constants) <= on_tpu
        # Behind the network all is for the CPU: it sorts and picks, and computes in floating point.
        after = bool(found and index in found.steps)
        mapped = fault is None and reachable and not after
        if mapped or subject.quantizes_input:
            on_tpu.update(operator.outputs)
        if mapped:
            parameters.update((i, _bytes(model, i)) for i in constants)
        status = MAPPED if mapped else fault.status if fault else ONE_SUBGRAPH
        operations.append(
            Operation(
                index,
                anatomy.operation_name(operator),
                anatomy.layer(model, operator),
                status,
                fault,
                rules.doubt(subject) if mapped else "",
                after,
                rules.runtime(subject) if mapped else 0,
                subject.quantizes_input or (subject.dequantizes_output and reachable),
            )
        )
    return Prediction(tuple(operations), sum(parameters.values()))


def as_text(prediction: Prediction) -> str:
    """The prediction as text, which `--check` prints."""
    network = prediction.network
    count = sum(op.mapped for op in network)
    rest = len(prediction.operations) - len(network)
    lines = [
        PREDICTS,
        "",
        f"{count} of {len(network)} operations before the post-processing will map "
        f"({100 * prediction.share:.0f} %); "
        + (f"the {rest} of the post-processing run on the CPU." if rest else "the file has no post-processing."),
        f"Expected memory for {_mib(prediction.parameters)} of parameters: about "
        f"{_mib(prediction.on_chip)} on the chip, {_mib(prediction.streamed)} streamed at every "
        "inference.",
        *_runtime_line(prediction),
        "",
        _status_table(prediction),
    ]
    if prediction.breaks:
        lines += ["", "The part on the TPU ends at", _fault_table(prediction.breaks)]
    if prediction.edges:
        lines += ["", "On the CPU before and behind the part on the TPU", _fault_table(prediction.edges)]
    doubts = {(op.name, op.doubt): op.layer for op in prediction.operations if op.doubt}
    if doubts:
        rows = [(name, doubt, f"such as {layer}") for (name, doubt), layer in doubts.items()]
        lines += ["", "Not certain", aligned(rows)]
    return "\n".join(lines)


def as_dict(prediction: Prediction) -> dict[str, Any]:
    """The prediction as JSON values, which `--check --json` prints."""
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
        "runtime": prediction.runtime,
        "table": [
            {"operator": name, "count": count, "status": status}
            for (name, status), count in _counts(prediction).items()
        ],
        "breaks": [_fault_dict(op, fault) for op, fault in prediction.breaks],
        "edges": [_fault_dict(op, fault) for op, fault in prediction.edges],
    }


def _fault_dict(op: Operation, fault: Fault) -> dict[str, Any]:
    return {
        "operation": op.index,
        "operator": op.name,
        "layer": op.layer,
        "status": fault.status,
        "reason": fault.reason,
        "fix": fault.fix,
    }


def _runtime_line(prediction: Prediction) -> list[str]:
    if prediction.runtime <= rules.OLDEST:
        return []
    names = sorted({op.name for op in prediction.operations if op.runtime == prediction.runtime})
    return [f"Needs Edge TPU runtime {prediction.runtime} or newer, for {', '.join(names)}."]


def _counts(prediction: Prediction) -> Counter[tuple[str, str]]:
    return Counter((op.name, op.status) for op in prediction.operations)


def _status_table(prediction: Prediction) -> str:
    rows: list[tuple[object, ...]] = [("operator", "count", "predicted status")]
    rows += [(name, count, status) for (name, status), count in _counts(prediction).items()]
    return aligned(rows)


def _fault_table(faults: Iterable[tuple[Operation, Fault]]) -> str:
    rows: list[tuple[object, ...]] = []
    for op, fault in faults:
        rows.append((op.index, op.name, f"{fault.status}: {fault.reason}"))
        rows.append(("", "", f"layer: {op.layer}"))
        rows.append(("", "", f"to do: {fault.fix}"))
    return aligned(rows)


def _bytes(model: Model, index: int) -> int:
    return len(model.buffers[model.main.tensors[index].buffer])


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.2f} MiB"
