/// One detected object.
///
/// `classID` is the index of `label` in the detector's `Labels`, from 0. `score` is in 0...1. `box` is in pixels of the
/// upright image.
public struct Detection: Hashable, Sendable {
    public let label: String
    public let classID: Int
    public let score: Double
    public let box: Box

    public init(label: String, classID: Int, score: Double, box: Box) {
        self.label = label
        self.classID = classID
        self.score = score
        self.box = box
    }
}

/// The result for one frame: `detections` with the highest score first, and the time that each stage took.
public struct DetectionResult: Hashable, Sendable {
    public let detections: [Detection]
    public let timings: Timings

    public init(detections: [Detection], timings: Timings) {
        self.detections = detections
        self.timings = timings
    }
}
