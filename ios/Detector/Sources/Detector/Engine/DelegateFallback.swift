/// What may compute a model, the fastest first.
public enum Accelerator: String, CaseIterable, Sendable {
    case coreML = "Core ML"
    case metal = "Metal"
    case cpu = "CPU"
}

/// A rung of the fallback that did not hold, and why.
public struct SkippedAccelerator: Equatable, Sendable {
    public let accelerator: Accelerator
    public let reason: String
}

/// Tries one accelerator after the other until one loads the model and runs it.
struct DelegateFallback {
    let engine: any Engine
    let skippedAccelerators: [SkippedAccelerator]

    /// A try loads the model and runs it once on a black image: some delegates fail only then.
    ///
    /// Throws `engine` with the last reason where no rung holds, or with a word on it where there are no rungs.
    init(path: String, input: TensorType?, accelerators: [Accelerator], threads: Int) throws(DetectorError) {
        try self.init(accelerators) { accelerator throws(DetectorError) in
            try DelegateFallback.load(accelerator, path: path, input: input, threads: threads)
        }
    }

    init(
        _ accelerators: [Accelerator], load: (Accelerator) throws(DetectorError) -> any Engine
    ) throws(DetectorError) {
        var skippedAccelerators: [SkippedAccelerator] = []
        var last = DetectorError.engine(reason: "no accelerator was allowed; name at least the CPU")
        for accelerator in accelerators {
            do throws(DetectorError) {
                let engine = try load(accelerator)
                try DelegateFallback.warmUp(engine)
                self.engine = engine
                self.skippedAccelerators = skippedAccelerators
                return
            } catch {
                skippedAccelerators.append(SkippedAccelerator(accelerator: accelerator, reason: error.reason))
                last = error
            }
        }
        throw last
    }

    private static func load(
        _ accelerator: Accelerator, path: String, input: TensorType?, threads: Int
    ) throws(DetectorError) -> any Engine {
        switch accelerator {
        case .coreML:
            guard input == .float32 else {
                throw .engine(reason: "Core ML takes float models only, and this one's input is not float32")
            }
            return try TensorFlowLiteEngine(path: path, threads: threads, delegate: .coreML())
        case .metal:
            return try TensorFlowLiteEngine(path: path, threads: threads, delegate: .metal())
        case .cpu:
            return try TensorFlowLiteEngine(path: path, threads: threads)
        }
    }

    private static func warmUp(_ engine: any Engine) throws(DetectorError) {
        guard let input = engine.inputs.first else { return }
        let size = input.shape.reduce(input.type.size, *)
        _ = try engine.invoke([UInt8](repeating: 0, count: size))
    }
}

extension DetectorError {
    /// The reason alone, where it is an engine's.
    fileprivate var reason: String {
        if case .engine(let reason) = self { reason } else { description }
    }
}
