/// Converts the output tensors of a model to detections. It mutates when a frame determines the order of the outputs.
struct Postprocessor: Sendable {
    private var reader: any OutputReader
    private let labels: Labels
    private let displayRule: DisplayRule
    private let classIDs: Set<Int>?
    private let maxResults: Int?

    /// `classIDs` are the classes that are given, nil for all; `maxResults` is the most detections, nil for all.
    init(
        reader: any OutputReader, labels: Labels, displayRule: DisplayRule = DisplayRule(), classIDs: Set<Int>? = nil,
        maxResults: Int? = nil
    ) {
        self.reader = reader
        self.labels = labels
        self.displayRule = displayRule
        self.classIDs = classIDs
        self.maxResults = maxResults
    }

    /// The detections in an upright image of `width` x `height` pixels that reach `thresholds`, the highest score first.
    mutating func callAsFunction(
        _ raw: [Tensor], width: Int, height: Int, _ thresholds: ScoreThresholds
    ) -> [Detection] {
        var objects = reader.decode(raw, minScore: thresholds.lowest)
        // Before the display rule, so that what is left out hides nothing that is given.
        if let classIDs {
            objects.removeAll { !classIDs.contains($0.classID) }
        }
        if thresholds.differ {
            objects.removeAll { !thresholds.accept($0) }
        }
        return displayRule(objects).prefix(maxResults ?? .max).map { one in
            Detection(
                label: labels[one.classID], classID: one.classID, score: Double(one.score),
                box: Box(one.sides, width: width, height: height))
        }
    }
}

/// Reads the output tensors of a model.
protocol OutputReader: Sendable {
    /// The objects with scores from `minScore` on, in the order of the model; it may give one place to several classes.
    mutating func decode(_ raw: [Tensor], minScore: Float) -> [DecodedObject]
}

/// An object that a model found: `score` in 0...1, and `sides` relative to the image, which may lie outside 0...1.
struct DecodedObject {
    let classID: Int
    let score: Float
    let sides: Sides
}

extension RawHead {
    /// What decodes the outputs, by the rules of the head's version.
    var decoder: any OutputReader {
        candidates > 0 ? RawDecoder(self) : FirstVersionDecoder(self)
    }
}

extension Box {
    /// A box from `sides`, cut to the image. An inverted box becomes an empty one.
    init(_ sides: Sides, width: Int, height: Int) {
        func cut(_ side: Float) -> Double { Double(min(max(side, 0), 1)) }
        let (left, top) = (cut(sides.xmin) * Double(width), cut(sides.ymin) * Double(height))
        self.init(
            xmin: left, ymin: top,
            xmax: max(cut(sides.xmax) * Double(width), left), ymax: max(cut(sides.ymax) * Double(height), top)
        )
    }
}
