/// One detected object.
public struct Detection: Hashable, Sendable {
    /// The name of the class.
    public let label: String
    /// The index of `label` in the detector's `Labels`, from 0.
    public let classID: Int
    /// In 0...1.
    public let score: Double
    /// In pixels of the upright image.
    public let box: Box
    /// The number that an `ObjectTracker` gave the object, from 1 on; nil if it is not tracked.
    public let track: Int?

    public init(label: String, classID: Int, score: Double, box: Box, track: Int? = nil) {
        self.label = label
        self.classID = classID
        self.score = score
        self.box = box
        self.track = track
    }
}
