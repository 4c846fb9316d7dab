/// Which output of a detector is which.
///
/// Exporters order and name the four outputs differently, so nothing is taken from position alone. In
/// order of trust: the graph's own wiring, which cannot be wrong; the names in the metadata; those of
/// the signature; and at last the shapes and values of what comes out.
struct OutputOrder: Equatable {
    var boxes: Int
    var classes: Int
    var scores: Int
    var count: Int

    /// The order of the outputs, or nil where only their values can tell (`init(values:)`).
    ///
    /// `shapes` are those that the engine gives the outputs; an empty one, or one with a side below 1,
    /// is not known before a run. Throws `notADetector` where the model cannot be one.
    static func find(_ model: Model, _ metadata: Metadata?, shapes: [[Int]]) throws(DetectorError) -> OutputOrder? {
        try checkCount(model)
        guard shapes.count == model.outputs.count else { throw notADetector(model, shapes: shapes) }
        if let order = OutputOrder(wiring: model) {
            return order
        }
        let named = [OutputOrder(metadata: metadata)] + model.signatures.map { OutputOrder(signature: $0, model) }
        for case let order? in named where order.fits(shapes) {
            return order
        }
        if shapes.allSatisfy(known), byShape(shapes) == nil {
            throw notADetector(model, shapes: shapes)
        }
        return nil
    }

    /// Throws `notADetector` unless the model has four outputs.
    static func checkCount(_ model: Model) throws(DetectorError) {
        if model.outputs.count != 4 {
            throw notADetector(model)
        }
    }

    /// The error that says what outputs there are, and which there have to be.
    static func notADetector(_ model: Model, shapes: [[Int]] = []) -> DetectorError {
        let tensors = model.outputs.map { model.tensors[$0] }
        let listed = tensors.enumerated().map { index, tensor in
            shapes.indices.contains(index) ? "\(tensor.name) \(shapes[index])" : "\(tensor)"
        }
        let said = listed.isEmpty ? "none" : listed.joined(separator: ", ")
        let wanted = "boxes [1, N, 4], classes [1, N], scores [1, N] and a count [1]"
        return .notADetector(path: model.path, reason: "its outputs are \(said); a detector has four: \(wanted)")
    }

    /// Follows each output back to the operation that post-processes detections.
    init?(wiring model: Model) {
        var source: [Int: ModelOperator] = [:]
        for step in model.operators {
            for tensor in step.outputs {
                source[tensor] = step
            }
        }
        var roles: [Role: Int] = [:]
        for (position, output) in model.outputs.enumerated() {
            var tensor = output
            // Each turn goes one operation up; more turns than operations would be a circle.
            for _ in 0...model.operators.count {
                guard let step = source[tensor], OutputOrder.passing.contains(step.code), let input = step.inputs.first
                else { break }
                tensor = input
            }
            guard let step = source[tensor], step.customName == OutputOrder.postprocess,
                let place = step.outputs.firstIndex(of: tensor), Role.allCases.indices.contains(place)
            else { return nil }
            roles[Role.allCases[place]] = position
        }
        self.init(roles)
    }

    /// By the names that the metadata gives the outputs.
    init?(metadata: Metadata?) {
        guard let metadata else { return nil }
        self.init(names: metadata.outputs.map(\.name), meaning: OutputOrder.words)
    }

    /// By the names of a signature's outputs: words, or the exporter's `output_0` to `output_3`.
    init?(signature: [Int: String], _ model: Model) {
        let names = model.outputs.map { signature[$0] ?? "" }
        let found = OutputOrder(names: names, meaning: OutputOrder.words)
        guard let order = found ?? OutputOrder(names: names, meaning: OutputOrder.exporterNames) else { return nil }
        self = order
    }

    /// By what comes out: boxes have three dimensions and the count one element; of the two others,
    /// classes are whole numbers and scores lie in 0...1 and fall.
    ///
    /// Nil where the shapes are not those of a detector, or where the values fit both readings, as
    /// those of a frame without detections do.
    init?(values: [[Float]], shapes: [[Int]]) {
        guard let (boxes, count, pair) = OutputOrder.byShape(shapes) else { return nil }
        let first = values[count].first ?? 0
        let total = first.isNaN ? 0 : Int(max(0, min(first, Float(values[pair[0]].count))))
        let used = pair.map { values[$0].prefix(total) }
        let fitting = [(0, 1), (1, 0)].filter { OutputOrder.likeClasses(used[$0.0]) && OutputOrder.likeScores(used[$0.1]) }
        guard fitting.count == 1 else { return nil }
        self.init(boxes: boxes, classes: pair[fitting[0].0], scores: pair[fitting[0].1], count: count)
    }

    // MARK: - Names

    private static let postprocess = "TFLite_Detection_PostProcess"

    /// In the order in which the post-processing operation defines its outputs:
    /// tensorflow/lite/kernels/detection_postprocess.cc
    private enum Role: CaseIterable {
        case boxes, classes, scores, count
    }

    private static let words: [String: Role] = [
        "location": .boxes, "locations": .boxes, "boxes": .boxes, "detection_boxes": .boxes,
        "category": .classes, "categories": .classes, "class": .classes, "classes": .classes,
        "detection_classes": .classes, "score": .scores, "scores": .scores, "detection_scores": .scores,
        "count": .count, "number of detections": .count, "num_detections": .count,
    ]

    // What the Object Detection API's TF2 exporter calls them, by number.
    private static let exporterNames: [String: Role] = [
        "output_0": .count, "output_1": .scores, "output_2": .classes, "output_3": .boxes,
    ]

    // Operations that hand on what they get, as far as the meaning of an output goes: DEQUANTIZE,
    // RESHAPE, SQUEEZE, CAST, EXPAND_DIMS and QUANTIZE of enum BuiltinOperator.
    private static let passing: Set<Int> = [6, 22, 43, 53, 70, 114]

    private init?(names: [String], meaning: [String: Role]) {
        var roles: [Role: Int] = [:]
        for (position, name) in names.enumerated() {
            guard let role = meaning[name.lowercased().trimmingPrefix(while: \.isWhitespace).description],
                roles[role] == nil
            else { return nil }
            roles[role] = position
        }
        self.init(roles)
    }

    private init?(_ roles: [Role: Int]) {
        guard let boxes = roles[.boxes], let classes = roles[.classes], let scores = roles[.scores],
            let count = roles[.count]
        else { return nil }
        self.init(boxes: boxes, classes: classes, scores: scores, count: count)
    }

    private init(boxes: Int, classes: Int, scores: Int, count: Int) {
        self.boxes = boxes
        self.classes = classes
        self.scores = scores
        self.count = count
    }

    // MARK: - Shapes and values

    private static func known(_ shape: [Int]) -> Bool {
        !shape.isEmpty && shape.allSatisfy { $0 > 0 }
    }

    private static func elements(_ shape: [Int]) -> Int {
        shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    }

    /// Whether names and shapes agree, as far as the shapes are known.
    private func fits(_ shapes: [[Int]]) -> Bool {
        let (boxes, count) = (shapes[boxes], shapes[count])
        if OutputOrder.known(boxes), boxes.count != 3 || boxes[2] != 4 {
            return false
        }
        return !OutputOrder.known(count) || OutputOrder.elements(count) == 1
    }

    /// (boxes, count, the two others), or nil where the shapes are not those of a detector.
    private static func byShape(_ shapes: [[Int]]) -> (Int, Int, [Int])? {
        for boxes in shapes.indices {
            for count in shapes.indices where count != boxes {
                let rest = shapes.indices.filter { $0 != boxes && $0 != count }
                guard rest.count == 2, shapes[boxes].count == 3, shapes[boxes][2] == 4, elements(shapes[count]) == 1
                else { continue }
                // With room for one detection every output but the boxes has one element; the count
                // then is the one without the dimension of the batch.
                let slots = [1, shapes[boxes][1]]
                if rest.allSatisfy({ shapes[$0].suffix(2) == slots[...] && shapes[count].count < shapes[$0].count }) {
                    return (boxes, count, rest)
                }
            }
        }
        return nil
    }

    private static func likeClasses(_ values: ArraySlice<Float>) -> Bool {
        values.allSatisfy { $0 >= 0 && $0 == $0.rounded() }
    }

    private static func likeScores(_ values: ArraySlice<Float>) -> Bool {
        values.allSatisfy { $0 >= 0 && $0 <= 1 } && zip(values, values.dropFirst()).allSatisfy { $1 - $0 <= 1e-6 }
    }
}
