/// Converts the output tensors of a model to detections. It mutates when a frame determines the order of the outputs.
struct Postprocessor: Sendable {
    private var reader: any OutputReader
    private let labels: Labels
    private let displayRule: DisplayRule

    init(reader: any OutputReader, labels: Labels, displayRule: DisplayRule = DisplayRule()) {
        self.reader = reader
        self.labels = labels
        self.displayRule = displayRule
    }

    /// The detections in an upright image of `width` x `height` pixels, with scores from `minScore` on and the highest score
    /// first.
    mutating func callAsFunction(_ raw: [Tensor], width: Int, height: Int, minScore: Double) -> [Detection] {
        let given = displayRule(reader.found(in: raw, minScore: Float(minScore)))
        return given.map { one in
            Detection(
                label: labels[one.classID], classID: one.classID, score: Double(one.score),
                box: Box(one.sides, width: width, height: height))
        }
    }
}

/// Reads the output tensors of a model.
protocol OutputReader: Sendable {
    /// The objects with scores from `minScore` on, in the order of the model; it may give one place to several classes.
    mutating func found(in raw: [Tensor], minScore: Float) -> [Found]
}

/// An object that a model found: `score` in 0...1, and `sides` relative to the image, which may lie outside 0...1.
struct Found {
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
