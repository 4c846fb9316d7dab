#if canImport(TensorFlowLiteC)
import TensorFlowLiteC

/// TensorFlow Lite with its C API, on the CPU or with a delegate.
public final class TensorFlowLiteEngine: Engine {
    public let name: String
    public let inputs: [TensorPort]
    public let delegation: Delegation?

    private let model: OpaquePointer
    private let interpreter: OpaquePointer
    private let errors = ErrorLog()
    // Must outlive the interpreter.
    private let delegate: Delegate?

    /// Loads the model at `path` to run on `threads` CPU threads.
    /// - Throws: `DetectorError.engine` if TensorFlow Lite cannot load the model.
    public convenience init(path: String, threads: Int = 2) throws(DetectorError) {
        try self.init(path: path, threads: threads, delegate: nil)
    }

    /// Loads the model at `path`. `delegate` runs the operators that it supports, the CPU runs the others.
    init(path: String, threads: Int, delegate: Delegate?) throws(DetectorError) {
        guard let model = TfLiteModelCreateFromFile(path) else {
            throw .engine(reason: "it cannot read \(path)")
        }
        guard let options = TfLiteInterpreterOptionsCreate() else {
            TfLiteModelDelete(model)
            throw .engine(reason: "out of memory")
        }
        defer { TfLiteInterpreterOptionsDelete(options) }
        TfLiteInterpreterOptionsSetNumThreads(options, Int32(clamping: max(threads, 1)))
        errors.attach(to: options)
        if let delegate {
            TfLiteInterpreterOptionsAddDelegate(options, delegate.pointer)
        }
        guard let interpreter = TfLiteInterpreterCreate(model, options) else {
            TfLiteModelDelete(model)
            throw .engine(reason: errors.popFirst() ?? "it cannot run \(path)")
        }
        guard TfLiteInterpreterAllocateTensors(interpreter) == kTfLiteOk else {
            TfLiteInterpreterDelete(interpreter)
            TfLiteModelDelete(model)
            throw .engine(reason: errors.popFirst() ?? "it cannot allocate the tensors of \(path)")
        }
        if let delegate, let delegation = delegate.delegation, delegation.delegated == 0 {
            TfLiteInterpreterDelete(interpreter)
            TfLiteModelDelete(model)
            throw .engine(reason: "\(delegate.name) runs none of the model's \(delegation.operators) operators")
        }
        self.model = model
        self.interpreter = interpreter
        self.delegate = delegate
        delegation = delegate?.delegation
        let version = TfLiteVersion().map { String(cString: $0) } ?? ""
        let processor = delegate.map { TensorFlowLiteEngine.name($0.name, $0.delegation) }
        name = "TensorFlow Lite \(version), " + (processor ?? "CPU, \(max(threads, 1)) threads")
        inputs = (0..<TfLiteInterpreterGetInputTensorCount(interpreter)).compactMap { index in
            TfLiteInterpreterGetInputTensor(interpreter, index).map { port($0) }
        }
    }

    private static func name(_ delegate: String, _ delegation: Delegation?) -> String {
        guard let delegation, !delegation.isComplete else { return delegate }
        return "\(delegate) for \(delegation.delegated) of \(delegation.operators) operators, CPU for the others"
    }

    deinit {
        TfLiteInterpreterDelete(interpreter)
        TfLiteModelDelete(model)
    }

    public var outputs: [TensorPort] {
        (0..<TfLiteInterpreterGetOutputTensorCount(interpreter)).compactMap { index in
            TfLiteInterpreterGetOutputTensor(interpreter, index).map { port($0) }
        }
    }

    public func invoke(_ input: [UInt8]) throws(DetectorError) -> [Tensor] {
        guard let tensor = TfLiteInterpreterGetInputTensor(interpreter, 0) else {
            throw .engine(reason: "the model has no input")
        }
        guard TfLiteTensorCopyFromBuffer(tensor, input, input.count) == kTfLiteOk else {
            throw .engine(reason: "its input takes \(TfLiteTensorByteSize(tensor)) bytes, not \(input.count)")
        }
        guard TfLiteInterpreterInvoke(interpreter) == kTfLiteOk else {
            throw .engine(reason: errors.popFirst() ?? "it failed while it ran the model")
        }
        var tensors: [Tensor] = []
        for index in 0..<TfLiteInterpreterGetOutputTensorCount(interpreter) {
            guard let output = TfLiteInterpreterGetOutputTensor(interpreter, index) else {
                throw .engine(reason: "output \(index) is not there")
            }
            var bytes = [UInt8](repeating: 0, count: TfLiteTensorByteSize(output))
            guard TfLiteTensorCopyToBuffer(output, &bytes, bytes.count) == kTfLiteOk else {
                throw .engine(reason: "output \(index) cannot be read")
            }
            tensors.append(Tensor(port: port(output), bytes: bytes))
        }
        return tensors
    }
}

private func port(_ tensor: UnsafePointer<TfLiteTensor>) -> TensorPort {
    let quantization = TfLiteTensorQuantizationParams(tensor)
    return TensorPort(
        name: TfLiteTensorName(tensor).map { String(cString: $0) } ?? "",
        shape: (0..<max(0, TfLiteTensorNumDims(tensor))).map { Int(TfLiteTensorDim(tensor, $0)) },
        type: type(TfLiteTensorType(tensor)),
        scale: quantization.scale,
        zeroPoint: Int(quantization.zero_point)
    )
}

private func type(_ type: TfLiteType) -> TensorType {
    switch type {
    case kTfLiteFloat32: .float32
    case kTfLiteUInt8: .uint8
    case kTfLiteInt8: .int8
    case kTfLiteInt32: .int32
    case kTfLiteInt64: .int64
    default: .other
    }
}
#endif
