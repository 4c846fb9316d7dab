extension EngineFallback {
    /// TensorFlow Lite with each of `accelerators` for the model at `path`, whose input has the type `input`.
    convenience init(
        path: String, input: TensorType?, accelerators: [Accelerator], choice: EngineChoice, threads: Int
    ) throws(DetectorError) {
        try self.init(accelerators, choice: choice) { accelerator throws(DetectorError) in
            #if canImport(TensorFlowLiteC)
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
            #else
            throw .engine(
                reason: "this build of the package has no TensorFlow Lite; run ios/get_tensorflow_lite.sh, or give an engine")
            #endif
        }
    }
}
