/// Finds objects with any detection .tflite that has four outputs, or the raw head of this kit.
///
///     let detector = try Detector(path: path, score: 0.4)
///     for detection in try await detector.detect(frame).detections {
///         print(detection.label, detection.score, detection.box)
///     }
///
/// Loading takes its time; do it away from the main thread. One detector runs one frame at a time.
public actor Detector {
    public nonisolated let description: ModelDescription
    /// What runs the model, as in `TensorFlow Lite 2.17.1, CPU, 2 threads`.
    public nonisolated let engineName: String
    /// The accelerators that were tried before it, each with the reason why it could not be used.
    public nonisolated let skippedAccelerators: [SkippedAccelerator]
    /// Detections with a lower score are left out.
    public var score: Double

    private let engine: any Engine
    private var postprocess: Postprocessor

    /// Loads the model at `path`.
    ///
    /// `labels` come before those inside the file. Detections below `score` are left out: by default
    /// below what the file's metadata says, else 0.5. The first of `accelerators` that loads and runs
    /// the model is used.
    /// - Throws: `DetectorError` for a file that is no detector or cannot be read, one without class
    ///   names where none are given, and where no accelerator can run it.
    public init(
        path: String, labels: Labels? = nil, score: Double? = nil, threads: Int = 2,
        accelerators: [Accelerator] = Accelerator.allCases
    ) throws(DetectorError) {
        let file = try ModelFile(path: path, labels: labels)
        let fallback = try DelegateFallback(path: path, input: file.inputType, accelerators: accelerators, threads: threads)
        try self.init(file, engine: fallback.engine, score: score, skippedAccelerators: fallback.skippedAccelerators)
    }

    /// Loads the model at `path` into an engine of the caller's own.
    public init(
        path: String, engine: sending any Engine, labels: Labels? = nil, score: Double? = nil
    ) throws(DetectorError) {
        try self.init(ModelFile(path: path, labels: labels), engine: engine, score: score, skippedAccelerators: [])
    }

    private init(
        _ file: ModelFile, engine: sending any Engine, score: Double?, skippedAccelerators: [SkippedAccelerator]
    ) throws(DetectorError) {
        description = try ModelDescription(file, engine: engine)
        postprocess = description.postprocessor
        engineName = engine.name
        self.engine = engine
        self.skippedAccelerators = skippedAccelerators
        self.score = score ?? file.defaultScore
    }

    public nonisolated var labels: Labels { description.labels }

    public func setScore(_ score: Double) {
        self.score = score
    }

    /// The objects in `frame`, in pixels of the upright image and within it.
    /// - Throws: `DetectorError.engine` where the run fails.
    public func detect(_ frame: Frame) throws(DetectorError) -> DetectionResult {
        let clock = ContinuousClock()
        let start = clock.now
        let input = description.preprocessor(frame)
        let ready = clock.now
        let raw = try engine.invoke(input)
        let done = clock.now
        let size = frame.uprightSize
        let detections = postprocess(raw, width: size.width, height: size.height, minScore: score)
        let end = clock.now
        let timings = Timings(
            preprocess: (ready - start).milliseconds, invoke: (done - ready).milliseconds,
            postprocess: (end - done).milliseconds
        )
        return DetectionResult(detections: detections, timings: timings)
    }
}

extension Duration {
    fileprivate var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
    }
}
