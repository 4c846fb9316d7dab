/// What a `Detector` found in one frame.
public struct DetectionResult: Hashable, Sendable {
    /// The highest score first.
    public let detections: [Detection]
    /// The frame's time in seconds.
    public let timestamp: Double
    /// The size of the upright image, whose pixels the boxes refer to.
    public let imageSize: ImageSize
    /// The time of each stage.
    public let timings: Timings
    /// The engine that ran the model, such as `TensorFlow Lite 2.17.1, CPU, 2 threads`.
    public let engineName: String

    /// Milliseconds from the frame to its detections.
    public var inferenceTime: Double { timings.total }

    public init(
        detections: [Detection], timestamp: Double = 0, imageSize: ImageSize, timings: Timings, engineName: String = ""
    ) {
        self.detections = detections
        self.timestamp = timestamp
        self.imageSize = imageSize
        self.timings = timings
        self.engineName = engineName
    }
}

/// The width and height of an image in pixels.
public struct ImageSize: Hashable, Sendable {
    public let width: Int
    public let height: Int

    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }
}
