"""The keys of variables in checkpoints whose root is not the published one, found through the graph of objects.

TensorFlow names a variable by the shortest way from the root to it. In the variables of a SavedModel that may be by way
of a list such as `trainable_variables/7`, which says nothing; but the checkpoint also has the graph of all objects, in
which each variable can be reached by the names of attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.common.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

# Where TensorFlow keeps the graph (tensorflow/python/checkpoint/trackable_object_graph.proto).
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


class ObjectGraph:
    """The objects of a checkpoint and their names in each other."""

    def __init__(self, reader: tf.train.CheckpointReader, where: str):
        """Reads the graph from `reader`. Raises InputError, which begins with `where`, where it is damaged."""
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf import trackable_object_graph_pb2

        self._graph = trackable_object_graph_pb2.TrackableObjectGraph()
        if reader.has_tensor(GRAPH):
            try:
                self._graph.ParseFromString(reader.get_tensor(GRAPH))
            except DecodeError as error:
                raise InputError(f"{where}: its graph of objects is damaged: {error}") from error

    def key(self, names: Sequence[str]) -> str | None:
        """The key of the variable that is reached from the root by `names`; None if there is none."""
        nodes = self._graph.nodes
        place = 0
        for name in names:
            if place >= len(nodes):
                return None
            child = next((child for child in nodes[place].children if child.local_name == name), None)
            if child is None:
                return None
            place = child.node_id
        attributes = nodes[place].attributes if place < len(nodes) else ()
        return next((attribute.checkpoint_key for attribute in attributes), None)
