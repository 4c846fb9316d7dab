/// Detects objects with a .tflite detection model that has the usual four outputs, or the raw head of this kit.
///
///     let detector = try Detector(path: path, score: 0.4)
///     for detection in try await detector.detect(frame).detections {
///         print(detection.label, detection.score, detection.box)
///     }
///
/// Loading is slow: do it off the main thread. A detector processes one frame at a time.
public actor Detector {
    public nonisolated let description: ModelDescription
    /// The name of the engine that runs the model, such as `TensorFlow Lite 2.17.1, CPU, 2 threads`.
    public nonisolated let engineName: String
    /// The accelerators that were tried before it but could not run the model, with reasons.
    public nonisolated let skippedAccelerators: [SkippedAccelerator]
    /// The threshold in 0...1: detections with a lower score are dropped.
    public var score: Double

    private let engine: any Engine
    private var postprocess: Postprocessor

    /// Loads the model at `path`.
    ///
    /// - Parameters:
    ///   - labels: Class names that override those in the file.
    ///   - score: The threshold in 0...1. The default is the one in the file's metadata, or 0.5 if there is none.
    ///   - threads: The number of CPU threads.
    ///   - accelerators: The accelerators to try in order. The first one that loads the model and runs it is used.
    ///   - allLabels: A model may find one place as several classes, each with the very same box. By default only the
    ///     class with the highest score is given; with this, all are.
    ///   - agnosticIou: Of two boxes whose intersection over union (0...1) is above it, whatever their classes, only the
    ///     one with the higher score is given. By default boxes of two classes may overlap.
    /// - Throws: `DetectorError` if the file cannot be read or is not a detector, if it has no class names and none are
    ///   given, or if no accelerator can run it.
    public init(
        path: String, labels: Labels? = nil, score: Double? = nil, threads: Int = 2,
        accelerators: [Accelerator] = Accelerator.allCases, allLabels: Bool = false, agnosticIou: Double? = nil
    ) throws(DetectorError) {
        let file = try ModelFile(path: path, labels: labels)
        let fallback = try DelegateFallback(path: path, input: file.inputType, accelerators: accelerators, threads: threads)
        try self.init(
            file, engine: fallback.engine, score: score, skippedAccelerators: fallback.skippedAccelerators,
            displayRule: DisplayRule(allLabels: allLabels, agnosticIou: agnosticIou))
    }

    /// Creates a detector for the model at `path` that runs on the caller's own `engine`; the rest as in the other
    /// initializer.
    public init(
        path: String, engine: sending any Engine, labels: Labels? = nil, score: Double? = nil,
        allLabels: Bool = false, agnosticIou: Double? = nil
    ) throws(DetectorError) {
        try self.init(
            ModelFile(path: path, labels: labels), engine: engine, score: score, skippedAccelerators: [],
            displayRule: DisplayRule(allLabels: allLabels, agnosticIou: agnosticIou))
    }

    private init(
        _ file: ModelFile, engine: sending any Engine, score: Double?, skippedAccelerators: [SkippedAccelerator],
        displayRule: DisplayRule
    ) throws(DetectorError) {
        description = try ModelDescription(file, engine: engine, displayRule: displayRule)
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

    /// Detects the objects in `frame`. Boxes are in pixels of the upright image and clipped to it.
    /// - Throws: `DetectorError.engine` if the engine fails.
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
