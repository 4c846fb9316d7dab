/// Reads the four outputs of a detector with built-in post-processing.
struct FourOutputs: OutputReader {
    /// The positions of left, top, right and bottom in a box of the tensor.
    private let index: [Int]
    /// Nil until a frame's values determine it.
    private var order: OutputOrder?

    // A box in the tensor is ymin, xmin, ymax, xmax.
    private static let defaultIndex = [1, 0, 3, 2]

    /// Throws `notADetector` if the outputs are not those of a detector, `unsupported` if the box layout is not supported.
    init(_ model: Model, _ metadata: Metadata?, shapes: [[Int]]) throws(DetectorError) {
        order = try OutputOrder.find(model, metadata, shapes: shapes)
        index = try FourOutputs.index(model, metadata)
    }

    /// See `OutputReader`.
    mutating func decode(_ raw: [Tensor], minScore: Float) -> [DecodedObject] {
        let values = raw.map(\.floats)
        order = order ?? OutputOrder(values: values, shapes: raw.map(\.port.shape))
        // If the values of this frame are ambiguous, those of a later one may not be.
        guard let order, values.count == 4 else { return [] }
        let (boxes, classes, scores) = (values[order.boxes], values[order.classes], values[order.scores])
        let reported = values[order.count].first ?? 0
        let capacity = min(boxes.count / 4, classes.count, scores.count)
        let count = reported.isNaN ? 0 : Int(min(max(reported + 0.5, 0), Float(capacity)))
        // Comparisons with NaN are false, so NaN scores and classes are dropped here.
        let kept = (0..<count).filter { slot in
            scores[slot] >= minScore && classes[slot] >= 0 && classes[slot] < FourOutputs.maxClasses
        }
        return kept.map { slot in
            func side(_ position: Int) -> Float { boxes[4 * slot + index[position]] }
            let sides = Sides(ymin: side(1), xmin: side(0), ymax: side(3), xmax: side(2))
            return DecodedObject(classID: Int(classes[slot].rounded(.toNearestOrEven)), score: scores[slot], sides: sides)
        }
    }

    // Greater class ids are invalid: float32 cannot represent all integers above 2^24.
    private static let maxClasses: Float = 0x1p24

    private static func index(_ model: Model, _ metadata: Metadata?) throws(DetectorError) -> [Int] {
        guard let metadata, OutputOrder(graph: model) == nil, let layout = metadata.outputs.compactMap(\.boxes).first
        else { return defaultIndex }
        guard [BoxLayout.boundaries, BoxLayout.unknown].contains(layout.type), layout.coordinates == BoxLayout.ratio
        else {
            throw .unsupported(path: model.path, reason: "its boxes are not edges relative to the image's size")
        }
        guard !layout.index.isEmpty else { return defaultIndex }
        guard layout.index.sorted() == [0, 1, 2, 3] else {
            throw .unsupported(path: model.path, reason: "its metadata orders a box's sides as \(layout.index)")
        }
        return layout.index
    }
}
