/// The processors that can run a model, fastest first.
public enum Accelerator: String, CaseIterable, Sendable {
    case coreML = "Core ML"
    case metal = "Metal"
    case cpu = "CPU"
}

/// An accelerator that was tried but could not run the model, and the reason why.
public struct SkippedAccelerator: Equatable, Sendable {
    public let accelerator: Accelerator
    public let reason: String
}

/// The result of trying accelerators in order: the first `engine` that runs the model, and those skipped before it.
struct DelegateFallback {
    let engine: any Engine
    let skippedAccelerators: [SkippedAccelerator]

    /// Selects the first of `accelerators` that loads the model at `path` and runs it.
    ///
    /// `input` is the type of the model's input. Throws the last accelerator's error if none can run the model, and
    /// `engine` if `accelerators` is empty.
    init(path: String, input: TensorType?, accelerators: [Accelerator], threads: Int) throws(DetectorError) {
        try self.init(accelerators) { accelerator throws(DetectorError) in
            try DelegateFallback.load(accelerator, path: path, input: input, threads: threads)
        }
    }

    /// Selects the first of `accelerators` whose engine, created by `load`, runs.
    init(
        _ accelerators: [Accelerator], load: (Accelerator) throws(DetectorError) -> any Engine
    ) throws(DetectorError) {
        var skipped: [SkippedAccelerator] = []
        var last = DetectorError.engine(reason: "no accelerator was allowed; name at least the CPU")
        for accelerator in accelerators {
            do throws(DetectorError) {
                let engine = try load(accelerator)
                try DelegateFallback.warmUp(engine)
                self.engine = engine
                skippedAccelerators = skipped
                return
            } catch {
                skipped.append(SkippedAccelerator(accelerator: accelerator, reason: error.reason))
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

    /// Runs the model once on a black image: some delegates fail only then.
    private static func warmUp(_ engine: any Engine) throws(DetectorError) {
        guard let input = engine.inputs.first else { return }
        let size = input.shape.reduce(input.type.size, *)
        _ = try engine.invoke([UInt8](repeating: 0, count: size))
    }
}

extension DetectorError {
    /// The reason of an engine's error, or the whole message of any other.
    fileprivate var reason: String {
        if case .engine(let reason) = self { reason } else { description }
    }
}
