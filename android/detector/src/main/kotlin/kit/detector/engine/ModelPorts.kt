package kit.detector.engine

import kit.detector.model.ModelFile
import kit.detector.model.ModelTensor

/** The inputs of the model as its file describes them, for engines whose runtime does not. */
public val ModelFile.inputPorts: List<TensorPort> get() = model.inputs.map { port(model.tensors[it]) }

/** The outputs of the model as its file describes them, in its order. A shape is empty where the file does not have it. */
public val ModelFile.outputPorts: List<TensorPort> get() = model.outputs.map { port(model.tensors[it]) }

private fun port(tensor: ModelTensor): TensorPort {
    val type = TensorType.entries.firstOrNull { it.toString() == tensor.type } ?: TensorType.OTHER
    val isFixed = tensor.signature.none { it < 0 }
    return TensorPort(tensor.name, if (isFixed) tensor.shape else emptyList(), type, tensor.scale, tensor.zeroPoint)
}
