from __future__ import annotations

import itertools

import numpy as np
import pytest

from runtime import InputError
from runtime.model import output_order
from runtime.model.metadata import Metadata, TensorMetadata
from runtime.model.output_order import Order
from runtime.model.tflite import Model, Operator, Subgraph
from tests.support import tiny_detector

ROLES = ("boxes", "classes", "scores", "count")
ARRAYS = dict(zip(ROLES, (tiny_detector.BOXES, tiny_detector.CLASSES, tiny_detector.SCORES, tiny_detector.COUNT)))
ORDERS = list(itertools.permutations(ROLES))


def expected(order):
    return Order(**{role: order.index(role) for role in ROLES})


def named(names):
    return Metadata("", "", (), tuple(TensorMetadata(name) for name in names))


def connected(order, between=()):
    """A graph whose post-processing gives tensors 10..13, passed on by the operators `between`."""
    steps = [Operator("CUSTOM", (0, 1, 2), (10, 11, 12, 13), 1, output_order.POSTPROCESS)]
    ends = []
    for role in order:
        tensor = 10 + ROLES.index(role)
        for name in between:
            steps.append(Operator(name, (tensor,), (tensor + 10,)))
            tensor += 10
        ends.append(tensor)
    return Subgraph("", (), (0,), tuple(ends), tuple(steps))


@pytest.mark.parametrize("order", ORDERS)
def test_connections(order):
    assert output_order.from_graph(connected(order)) == expected(order)
    assert output_order.from_graph(connected(order, ("RESHAPE", "CAST"))) == expected(order)


def test_connections_end_at_operations_that_change_the_meaning():
    assert output_order.from_graph(connected(ROLES, ("LOGISTIC",))) is None


def test_cycles_in_the_graph():
    graph = Subgraph("", (), (0,), (5,) * 4, (Operator("RESHAPE", (5,), (5,)),))
    assert output_order.from_graph(graph) is None


@pytest.mark.parametrize("order", ORDERS)
def test_metadata_names(order):
    for names in (
        {"boxes": "location", "classes": "category", "scores": "score", "count": "number of detections"},
        {"boxes": "Locations", "classes": "classes", "scores": "scores", "count": "Number of detections"},
    ):
        assert output_order.from_metadata(named(names[role] for role in order)) == expected(order)


def test_metadata_that_names_no_roles():
    assert output_order.from_metadata(None) is None
    assert output_order.from_metadata(named(["location", "location", "score", "count"])) is None
    assert output_order.from_metadata(named(["a", "b", "c", "d"])) is None


@pytest.mark.parametrize("order", ORDERS[::5])
def test_signature(order):
    exporter = {"output_0": "count", "output_1": "scores", "output_2": "classes", "output_3": "boxes"}
    words = {f"detection_{role}": role for role in ROLES[:3]}
    words["num_detections"] = "count"
    for names in (exporter, words):
        model = Model.parse(
            tiny_detector.build(
                [(f"t{i}", ARRAYS[role]) for i, role in enumerate(order)],
                signature={name: order.index(role) for name, role in names.items()},
            )
        )
        assert output_order.from_signatures(model) == expected(order)
        shapes = [ARRAYS[role].shape for role in order]
        assert output_order.find(model, None, shapes) == expected(order)


@pytest.mark.parametrize("order", ORDERS)
def test_shapes_and_values(order):
    assert output_order.from_values([ARRAYS[role] for role in order]) == expected(order)


@pytest.mark.parametrize("order", ORDERS)
def test_shapes_and_values_with_room_for_one(order):
    one = {
        "boxes": np.zeros((1, 1, 4)),
        "classes": np.array([[0.0]]),
        "scores": np.array([[0.5]]),
        "count": np.array([1.0]),
    }
    assert output_order.from_values([one[role] for role in order]) == expected(order)


def test_values_after_the_count_are_ignored():
    scores = np.array([[0.9, 0.4, 7.5]])
    arrays = [tiny_detector.BOXES, scores, np.array([[2.0, 0.0, 0.5]]), np.array([2.0])]
    assert output_order.from_values(arrays) == Order(boxes=0, classes=2, scores=1, count=3)


def test_values_that_fit_both_orders():
    zeros = np.zeros((1, 3))
    assert output_order.from_values([tiny_detector.BOXES, zeros, zeros, np.array([0.0])]) is None
    assert output_order.from_values([tiny_detector.BOXES, zeros, zeros, np.array([3.0])]) is None


def test_values_that_fit_no_order():
    odd = np.array([[0.5, 0.7, -1.0]])
    assert output_order.from_values([tiny_detector.BOXES, odd, odd, np.array([3.0])]) is None
    assert output_order.from_values([tiny_detector.BOXES, odd, odd, np.array([np.nan])]) is None


def test_names_that_the_shapes_contradict_are_ignored():
    order = ("scores", "boxes", "count", "classes")
    model = Model.parse(tiny_detector.build([(role, ARRAYS[role]) for role in order]))
    wrong = named(["location", "category", "score", "number of detections"])
    shapes = [ARRAYS[role].shape for role in order]
    assert output_order.find(model, wrong, shapes) is None
    assert output_order.find(model, wrong, [(), (), (), ()]) is not None


@pytest.mark.parametrize(
    "found",
    [
        [("probs", np.zeros((1, 1001), np.float32))],
        [("codes", np.zeros((1, 100, 4), np.float32)), ("logits", np.zeros((1, 100, 91), np.float32))],
        [(name, np.zeros((1, 10), np.float32)) for name in "abcd"],
        [*tiny_detector.OUTPUTS, ("masks", np.zeros((1, 3, 33, 33), np.float32))],
    ],
)
def test_other_models_are_refused_and_their_outputs_listed(found):
    model = Model.parse(tiny_detector.build(found), "m.tflite")
    with pytest.raises(InputError) as error:
        output_order.find(model, None, [array.shape for _, array in found])
    message = str(error.value)
    assert message.startswith("m.tflite: not a detector")
    assert all(f"{name} {list(array.shape)}" in message for name, array in found)
    assert "boxes [1, N, 4], classes [1, N], scores [1, N] and a count [1]" in message
