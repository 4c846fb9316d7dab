/// What a `Detector` gives, and how it runs.
///
///     var options = DetectorOptions()
///     options.maxResults = 10
///     options.categoryAllowlist = ["person", "bicycle"]
///     let detector = try Detector(path: path, options: options)
public struct DetectorOptions: Hashable, Sendable {
    /// The most detections of a frame, those with the highest scores; nil for all that the model gives.
    public var maxResults: Int?
    /// The threshold in 0...1: detections with a lower score are left out. Nil stands for the threshold in the file's
    /// metadata, or 0.5 if it has none.
    public var scoreThreshold: Double?
    /// Thresholds in 0...1 of single classes, by name. They hold for these classes in place of `scoreThreshold`.
    public var scoreThresholds: [String: Double] = [:]
    /// The class names to give; nil for all. Not together with `categoryDenylist`.
    public var categoryAllowlist: Set<String>?
    /// The class names to leave out.
    public var categoryDenylist: Set<String> = []
    /// What the frames are.
    public var runningMode = RunningMode.image
    /// Class names that override those in the file.
    public var labels: Labels?
    /// A model may find one place as several classes, each with the very same box. By default only the class with the
    /// highest score is given; with this, all are.
    public var allLabels = false
    /// Of two boxes whose intersection over union (0...1) is above this, whatever their classes, only the one with the
    /// higher score is given. By default boxes of two classes may overlap.
    public var agnosticIou: Double?
    /// The accelerators to try, in this order.
    public var accelerators = Accelerator.allCases
    /// Which of the accelerators that run the model is used.
    public var engineChoice = EngineChoice.fastest
    /// The number of CPU threads.
    public var threads = 2

    public init(
        maxResults: Int? = nil, scoreThreshold: Double? = nil, categoryAllowlist: Set<String>? = nil,
        categoryDenylist: Set<String> = [], runningMode: RunningMode = .image
    ) {
        self.maxResults = maxResults
        self.scoreThreshold = scoreThreshold
        self.categoryAllowlist = categoryAllowlist
        self.categoryDenylist = categoryDenylist
        self.runningMode = runningMode
    }
}

/// What the frames of a `Detector` are.
public enum RunningMode: String, CaseIterable, Codable, Sendable {
    /// Single images, whose times do not matter.
    case image
    /// The frames of a video in the order of their times. None is dropped.
    case video
    /// The frames of a camera in the order of their times. A frame that comes while another one is processed waits, and
    /// is dropped when a newer one comes.
    case liveStream
}

extension DetectorOptions {
    /// Throws `badOptions` for a value that is out of range or a class that is not in `labels`.
    func check(_ labels: Labels) throws(DetectorError) {
        if let maxResults, maxResults < 1 {
            throw .badOptions(reason: "maxResults is \(maxResults); give 1 or more, or nil for all")
        }
        for (name, value) in [("scoreThreshold", scoreThreshold), ("agnosticIou", agnosticIou)] {
            if let value, !(0...1).contains(value) {
                throw .badOptions(reason: "\(name) is \(value); give a number from 0 to 1")
            }
        }
        if categoryAllowlist != nil, !categoryDenylist.isEmpty {
            throw .badOptions(reason: "both categoryAllowlist and categoryDenylist are given; give one of them")
        }
        for (name, value) in scoreThresholds.sorted(by: { $0.key < $1.key }) where !(0...1).contains(value) {
            throw .badOptions(reason: "scoreThresholds has \(value) for \(name); give a number from 0 to 1")
        }
        let named = (categoryAllowlist ?? categoryDenylist).union(scoreThresholds.keys)
        let unknown = named.subtracting(labels.names).sorted()
        if !unknown.isEmpty {
            let known = labels.names.prefix(10).joined(separator: ", ")
            throw .badOptions(reason: "the model has no class \(unknown.joined(separator: ", ")); it has \(known)")
        }
    }

    /// The ids of the classes that are given, or nil for all.
    func classIDs(_ labels: Labels) -> Set<Int>? {
        if let categoryAllowlist {
            return Set(labels.names.indices.filter { categoryAllowlist.contains(labels.names[$0]) })
        }
        guard !categoryDenylist.isEmpty else { return nil }
        return Set(labels.names.indices.filter { !categoryDenylist.contains(labels.names[$0]) })
    }
}
