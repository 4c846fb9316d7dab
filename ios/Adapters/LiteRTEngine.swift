import EdgeDetection
import LiteRT

/// Runs a model with LiteRT's `CompiledModel`, on the GPU where that is allowed and can.
///
///     let detector = try Detector(path: path, engine: LiteRTEngine(path: path))
///
/// Copy this file into an app that depends on both packages; `docs/how-to/ios.md` has the steps.
public final class LiteRTEngine: Engine {
    public let name: String
    public let inputs: [TensorPort]
    public let outputs: [TensorPort]

    private let model: CompiledModel
    private let inputBuffers: [TensorBuffer]
    private let outputBuffers: [TensorBuffer]

    /// Loads the model at `path`. With `.gpu`, allow `.cpu` as well: it runs the operators that the GPU does not.
    /// - Throws: `DetectorError.engine` if LiteRT cannot load it, and others if the file cannot be read.
    public init(path: String, accelerators: Set<LiteRT.Accelerator> = [.gpu, .cpu]) throws(DetectorError) {
        let ports = try ModelPorts(path: path)
        inputs = ports.inputs
        outputs = ports.outputs
        do {
            let options = try Options()
            try options.setHardwareAccelerators(accelerators)
            model = try CompiledModel(filePath: path, environment: Environment(), options: options)
            inputBuffers = try model.createInputBuffers()
            outputBuffers = try model.createOutputBuffers()
            let isWhole = try model.isFullyAccelerated()
            name = accelerators.contains(.gpu) ? "LiteRT, GPU" + (isWhole ? "" : " for a part, CPU") : "LiteRT, CPU"
        } catch {
            throw .engine(reason: "LiteRT cannot load the model: \(error)")
        }
        guard inputBuffers.count == 1, outputBuffers.count == outputs.count else {
            throw .engine(reason: "LiteRT has \(outputBuffers.count) outputs of the model, the file has \(outputs.count)")
        }
    }

    public func invoke(_ input: [UInt8]) throws(DetectorError) -> [Tensor] {
        do {
            try inputBuffers[0].write(input)
            try model.run(inputs: inputBuffers, outputs: outputBuffers)
            return try zip(outputs, outputBuffers).map { port, buffer in Tensor(port: port, bytes: try buffer.read()) }
        } catch {
            throw .engine(reason: "LiteRT: \(error)")
        }
    }
}
