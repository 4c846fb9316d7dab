/// Detects objects with a .tflite detection model that has the usual four outputs, or the raw head of this kit.
///
///     let detector = try Detector(path: path)
///     for detection in try await detector.detect(frame).detections {
///         print(detection.label, detection.score, detection.box)
///     }
///
/// Loading is slow: do it off the main thread. A detector processes one frame at a time.
public actor Detector {
    public nonisolated let description: ModelDescription
    public nonisolated let options: DetectorOptions
    /// The threshold in 0...1: detections with a lower score are left out.
    public var scoreThreshold: Double { thresholds.overall }
    /// The thresholds of single classes, by name, which hold in place of `scoreThreshold`.
    public private(set) var scoreThresholds: [String: Double]

    private var thresholds: ScoreThresholds
    private let fallback: EngineFallback
    private var postprocess: Postprocessor
    /// The time of the latest frame in seconds.
    private var lastTime = -Double.infinity

    /// Loads the model at `path`.
    ///
    /// - Throws: `DetectorError` if the file cannot be read or is not a detector, if it has no class names and none are
    ///   given, if an option is not valid, or if no accelerator can run the model.
    public init(path: String, options: DetectorOptions = DetectorOptions()) throws(DetectorError) {
        let file = try ModelFile(path: path, labels: options.labels)
        // Before the engines are loaded, which is slow.
        try options.check(file.labels)
        let fallback = try EngineFallback(
            path: path, input: file.inputType, accelerators: options.accelerators, choice: options.engineChoice,
            threads: options.threads)
        try self.init(file, fallback, options)
    }

    /// Loads the model at `path` to run it on the caller's own `engine`. The options of engines have no effect.
    /// - Throws: `DetectorError` as the other initializer.
    public init(
        path: String, engine: sending any Engine, options: DetectorOptions = DetectorOptions()
    ) throws(DetectorError) {
        try self.init(ModelFile(path: path, labels: options.labels), EngineFallback(engine), options)
    }

    init(_ file: ModelFile, _ fallback: sending EngineFallback, _ options: DetectorOptions) throws(DetectorError) {
        guard let engine = fallback.engine else { throw .engine(reason: "no engine is loaded") }
        description = try ModelDescription(file, engine: engine, options: options)
        postprocess = description.postprocessor
        scoreThresholds = options.scoreThresholds
        thresholds = ScoreThresholds(
            options.scoreThreshold ?? file.defaultScore, of: options.scoreThresholds, file.labels)
        self.options = options
        self.fallback = fallback
    }

    public nonisolated var labels: Labels { description.labels }

    /// The name of the engine that runs the next frame, such as `TensorFlow Lite 2.17.1, CPU, 2 threads`.
    public var engineName: String { fallback.engine?.name ?? "no engine" }

    /// What came of each accelerator: how fast it is, or why it cannot run the model. Complete after the first frames.
    public var engineAttempts: [EngineAttempt] { fallback.attempts }

    /// Changes the threshold; values outside 0...1 are cut.
    public func setScoreThreshold(_ threshold: Double) {
        thresholds = ScoreThresholds(min(max(threshold, 0), 1), of: scoreThresholds, labels)
    }

    /// Changes the threshold of the class `label`; values outside 0...1 are cut. Nil stands for the threshold of all.
    /// - Throws: `DetectorError.badOptions` if the model has no such class.
    public func setScoreThreshold(_ threshold: Double?, for label: String) throws(DetectorError) {
        guard labels.names.contains(label) else {
            throw .badOptions(reason: "the model has no class \(label)")
        }
        scoreThresholds[label] = threshold.map { min(max($0, 0), 1) }
        thresholds = ScoreThresholds(scoreThreshold, of: scoreThresholds, labels)
    }

    /// Detects the objects in `frame`. Boxes are in pixels of the upright image and clipped to it.
    ///
    /// If an engine fails, the frame is given to the next one.
    /// - Throws: `DetectorError.engine` if each engine fails; later frames may be processed nevertheless.
    ///   `DetectorError.badFrame` if the frame is not later than the one before; times do not matter in `RunningMode.image`.
    public func detect(_ frame: Frame) throws(DetectorError) -> DetectionResult {
        if options.runningMode != .image {
            guard frame.time > lastTime else {
                let reason = "its time \(frame.time) s is not after \(lastTime) s, that of the frame before"
                throw .badFrame(reason: "\(reason); single images take the running mode image")
            }
            lastTime = frame.time
        }
        let clock = ContinuousClock()
        let start = clock.now
        let input = description.preprocessor(frame)
        let ready = clock.now
        let (outputs, engineName) = try fallback.invoke(input)
        let done = clock.now
        let size = frame.uprightSize
        let detections = postprocess(outputs, width: size.width, height: size.height, thresholds)
        let timings = Timings(
            preprocess: (ready - start).milliseconds, invoke: (done - ready).milliseconds,
            postprocess: (clock.now - done).milliseconds)
        return DetectionResult(
            detections: detections, timestamp: frame.time, imageSize: ImageSize(width: size.width, height: size.height),
            timings: timings, engineName: engineName)
    }

    /// Lets times start again, as at the beginning of another video.
    func startSequence() {
        lastTime = -.infinity
    }
}
