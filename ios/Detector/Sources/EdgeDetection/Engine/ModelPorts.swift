/// The inputs and outputs of a model as its file describes them, for engines whose runtime does not.
public struct ModelPorts: Sendable {
    public let inputs: [TensorPort]
    /// In the model's order. A shape is empty where the file does not have it.
    public let outputs: [TensorPort]

    /// Reads the file at `path`.
    /// - Throws: `DetectorError` if it cannot be read, or is not a .tflite file.
    public init(path: String) throws(DetectorError) {
        let model = try Model.read(path)
        inputs = model.inputs.map { TensorPort(model.tensors[$0]) }
        outputs = model.outputs.map { TensorPort(model.tensors[$0]) }
    }
}

extension TensorPort {
    fileprivate init(_ tensor: ModelTensor) {
        self.init(
            name: tensor.name, shape: tensor.signature.contains { $0 < 0 } ? [] : tensor.shape,
            type: TensorType(rawValue: tensor.type) ?? .other, scale: tensor.scale, zeroPoint: tensor.zeroPoint)
    }
}
