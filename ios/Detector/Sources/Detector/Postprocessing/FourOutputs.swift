/// From the four outputs of a detector with its post-processing inside to detections.
struct FourOutputs: Sendable {
    private let labels: Labels
    /// Where left, top, right and bottom stand in a box of the tensor.
    private let index: [Int]
    /// Nil until the values of a frame tell.
    private var order: OutputOrder?

    // A box in the tensor is ymin, xmin, ymax, xmax.
    private static let usual = [1, 0, 3, 2]

    /// Throws `notADetector` where the outputs are no detector's, `unsupported` where its boxes cannot be read.
    init(_ model: Model, _ metadata: Metadata?, shapes: [[Int]], labels: Labels) throws(DetectorError) {
        self.labels = labels
        order = try OutputOrder.find(model, metadata, shapes: shapes)
        index = try FourOutputs.index(model, metadata)
    }

    /// Detections in an upright image of `width` x `height`, the highest score first, none below `minScore`.
    mutating func callAsFunction(_ raw: [Tensor], width: Int, height: Int, minScore: Double) -> [Detection] {
        let values = raw.map(\.floats)
        order = order ?? OutputOrder(values: values, shapes: raw.map(\.port.shape))
        // A frame whose values fit both readings settles nothing; the next one may.
        guard let order, values.count == 4 else { return [] }
        let (boxes, classes, scores) = (values[order.boxes], values[order.classes], values[order.scores])
        let said = values[order.count].first ?? 0
        let room = min(boxes.count / 4, classes.count, scores.count)
        let count = said.isNaN ? 0 : Int(min(max(said + 0.5, 0), Float(room)))
        // Comparisons with NaN are false: a score or a box that is not a number drops out here.
        let kept = (0..<count).filter { slot in
            scores[slot] >= Float(minScore) && classes[slot] >= 0 && classes[slot] < FourOutputs.mostClasses
                && boxes[4 * slot..<4 * slot + 4].allSatisfy(\.isFinite)
        }
        let falling = kept.sorted { (scores[$1], $0) < (scores[$0], $1) }
        return falling.map { slot in
            let sides = index.map { Double(min(max(boxes[4 * slot + $0], 0), 1)) }
            let classID = Int(classes[slot].rounded(.toNearestOrEven))
            return Detection(
                label: labels[classID], classID: classID, score: Double(scores[slot]),
                box: Box(relative: sides, width: width, height: height)
            )
        }
    }

    // Above it a class id is damage, and no whole number of a float32 any more.
    private static let mostClasses: Float = 0x1p24

    private static func index(_ model: Model, _ metadata: Metadata?) throws(DetectorError) -> [Int] {
        guard let metadata, OutputOrder(wiring: model) == nil, let layout = metadata.outputs.compactMap(\.boxes).first
        else { return usual }
        guard [BoxLayout.boundaries, BoxLayout.unknown].contains(layout.type), layout.coordinates == BoxLayout.ratio
        else {
            throw .unsupported(path: model.path, reason: "its boxes are not edges relative to the image's size")
        }
        guard !layout.index.isEmpty else { return usual }
        guard layout.index.sorted() == [0, 1, 2, 3] else {
            throw .unsupported(path: model.path, reason: "its metadata orders a box's sides as \(layout.index)")
        }
        return layout.index
    }
}

extension Box {
    /// `sides` are left, top, right and bottom in 0...1; a box turned inside out becomes an empty one.
    init(relative sides: [Double], width: Int, height: Int) {
        let (left, top) = (sides[0] * Double(width), sides[1] * Double(height))
        self.init(
            xmin: left, ymin: top,
            xmax: max(sides[2] * Double(width), left), ymax: max(sides[3] * Double(height), top)
        )
    }
}
