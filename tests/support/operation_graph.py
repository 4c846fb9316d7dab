"""A .tflite of single operations, built one by one: for what is decided by an operation alone."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.file import flatbuffer_objects
from runtime.model.tflite import Model

CODES = schema.BuiltinOperator
INT8, INT32, FLOAT32 = schema.TensorType.INT8, schema.TensorType.INT32, schema.TensorType.FLOAT32


class Graph:
    """Builds a .tflite operation by operation."""

    def __init__(self) -> None:
        self.tensors, self.operators, self.codes = [], [], []
        self.buffers = [schema.BufferT()]

    def tensor(self, shape, kind=INT8, values=None, signature=None) -> int:
        buffer = 0
        if values is not None:
            data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            buffer = len(self.buffers)
            self.buffers.append(schema.BufferT(data=data))
        made = schema.TensorT(
            shape=np.array(shape, np.int32), type=kind, buffer=buffer, name=f"t{len(self.tensors)}"
        )
        if signature:
            made.shapeSignature = np.array(signature, np.int32)
        if kind == INT8:
            made.quantization = schema.QuantizationParametersT(
                scale=np.array([0.1], np.float32), zeroPoint=np.array([0], np.int64)
            )
        self.tensors.append(made)
        return len(self.tensors) - 1

    def ints(self, *values) -> int:
        values = np.array(values, np.int32)
        return self.tensor(values.shape, INT32, values)

    def weights(self, *shape) -> int:
        return self.tensor(shape, INT8, np.ones(shape, np.int8))

    def add(self, name, inputs, output, options=None, version=1) -> int:
        code = schema.OperatorCodeT(builtinCode=getattr(CODES, name), version=version)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        self.codes.append(code)
        made = schema.OperatorT(
            opcodeIndex=len(self.codes) - 1,
            inputs=np.array(inputs, np.int32),
            outputs=np.array([output], np.int32),
        )
        if options is not None:
            kind = type(options).__name__[:-1]
            made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            made.builtinOptions = options
        self.operators.append(made)
        return output

    def model(self, inputs, outputs) -> Model:
        graph = schema.SubGraphT(
            tensors=self.tensors,
            inputs=np.array(inputs, np.int32),
            outputs=np.array(outputs, np.int32),
            operators=self.operators,
        )
        objects = schema.ModelT(
            version=3, operatorCodes=self.codes, subgraphs=[graph], buffers=self.buffers
        )
        return Model.parse(flatbuffer_objects.pack(objects))
