/// The positions of a detector's four outputs.
///
/// Exporters order and name the outputs differently, so positions are never assumed. In order of trust they come from
/// the graph's connections, which cannot be wrong; the names in the metadata; the names in the signature; and last from
/// the shapes and values of the outputs.
struct OutputOrder: Equatable {
    var boxes: Int
    var classes: Int
    var scores: Int
    var count: Int

    /// Finds the order of the outputs, or nil if only their values can tell (`init(values:)`).
    ///
    /// `shapes` are the engine's output shapes; a shape that is empty or has a dimension below 1 is not yet known.
    /// Throws `notADetector` if the model cannot be a detector.
    static func find(_ model: Model, _ metadata: Metadata?, shapes: [[Int]]) throws(DetectorError) -> OutputOrder? {
        try checkCount(model)
        guard shapes.count == model.outputs.count else { throw notADetector(model, shapes: shapes) }
        if let order = OutputOrder(graph: model) {
            return order
        }
        let named = [OutputOrder(metadata: metadata)] + model.signatures.map { OutputOrder(signature: $0, model) }
        for case let order? in named where order.fits(shapes) {
            return order
        }
        if shapes.allSatisfy(isKnown), byShape(shapes) == nil {
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

    /// An error that lists the actual and the required outputs.
    static func notADetector(_ model: Model, shapes: [[Int]] = []) -> DetectorError {
        let tensors = model.outputs.map { model.tensors[$0] }
        let listed = tensors.enumerated().map { index, tensor in
            shapes.indices.contains(index) ? "\(tensor.name) \(shapes[index])" : "\(tensor)"
        }
        let actual = listed.isEmpty ? "none" : listed.joined(separator: ", ")
        let required = "boxes [1, N, 4], classes [1, N], scores [1, N] and a count [1]"
        return .notADetector(path: model.path, reason: "its outputs are \(actual); a detector has four: \(required)")
    }

    /// Traces each output back to what post-processes detections: one custom operator, or several built-in ones.
    init?(graph model: Model) {
        var source: [Int: ModelOperator] = [:]
        for node in model.operators {
            for tensor in node.outputs {
                source[tensor] = node
            }
        }
        var roles: [Role: Int] = [:]
        for (position, output) in model.outputs.enumerated() {
            var tensor = output
            // Each iteration goes back one operator; more iterations than operators would be a cycle.
            for _ in 0...model.operators.count {
                guard let node = source[tensor], OutputOrder.passThrough.contains(node.code), let input = node.inputs.first
                else { break }
                tensor = input
            }
            guard let node = source[tensor], let role = OutputOrder.role(node, tensor, source) else { return nil }
            roles[role] = position
        }
        self.init(roles)
    }

    /// What `tensor` is, which `node` makes; nil if that is no post-processing. `source` has the maker of each tensor.
    private static func role(_ node: ModelOperator, _ tensor: Int, _ source: [Int: ModelOperator]) -> Role? {
        guard let index = node.outputs.firstIndex(of: tensor) else { return nil }
        if node.customName == postprocess {
            return Role.allCases.indices.contains(index) ? Role.allCases[index] : nil
        }
        if node.code == suppression {
            return index == 1 ? .count : nil
        }
        // What is behind the count is made zero by a multiplication.
        guard node.code == mul, let input = node.inputs.first, let gather = source[input], gather.code == OutputOrder.gather,
            gather.inputs.count == 2, source[gather.inputs[1]]?.code == suppression
        else { return nil }
        return source[gather.inputs[0]].flatMap { makers[$0.code] }
    }

    /// Finds the order from the output names in the metadata.
    init?(metadata: Metadata?) {
        guard let metadata else { return nil }
        self.init(names: metadata.outputs.map(\.name), meaning: OutputOrder.words)
    }

    /// Finds the order from the output names of a signature: words, or the exporter's `output_0` to `output_3`.
    init?(signature: [Int: String], _ model: Model) {
        let names = model.outputs.map { signature[$0] ?? "" }
        let found = OutputOrder(names: names, meaning: OutputOrder.words)
        guard let order = found ?? OutputOrder(names: names, meaning: OutputOrder.exporterNames) else { return nil }
        self = order
    }

    /// Finds the order from output values: boxes have three dimensions and the count has one element; of the other two,
    /// classes are integers and scores are in 0...1 and descending.
    ///
    /// Nil if the shapes are not those of a detector, or if the values are ambiguous, as for a frame without detections.
    init?(values: [[Float]], shapes: [[Int]]) {
        guard let (boxes, count, pair) = OutputOrder.byShape(shapes) else { return nil }
        let first = values[count].first ?? 0
        let total = first.isNaN ? 0 : Int(max(0, min(first, Float(values[pair[0]].count))))
        let used = pair.map { values[$0].prefix(total) }
        let fitting = [(0, 1), (1, 0)].filter { OutputOrder.areClasses(used[$0.0]) && OutputOrder.areScores(used[$0.1]) }
        guard fitting.count == 1 else { return nil }
        self.init(boxes: boxes, classes: pair[fitting[0].0], scores: pair[fitting[0].1], count: count)
    }

    // MARK: - Names

    private static let postprocess = "TFLite_Detection_PostProcess"

    /// In the order of the post-processing operator's outputs:
    /// tensorflow/lite/kernels/detection_postprocess.cc
    private enum Role: CaseIterable {
        case boxes, classes, scores, count
    }

    // The built-in operators of a kit's file, of enum BuiltinOperator: NON_MAX_SUPPRESSION_V4 keeps detections, and
    // CONCATENATION, LOGISTIC and CAST make the values that it keeps. See convert/file/builtin_postprocessing.py.
    private static let suppression = 120
    private static let mul = 18
    private static let gather = 36
    private static let makers: [Int: Role] = [2: .boxes, 14: .scores, 53: .classes]

    private static let words: [String: Role] = [
        "location": .boxes, "locations": .boxes, "boxes": .boxes, "detection_boxes": .boxes,
        "category": .classes, "categories": .classes, "class": .classes, "classes": .classes,
        "detection_classes": .classes, "score": .scores, "scores": .scores, "detection_scores": .scores,
        "count": .count, "number of detections": .count, "num_detections": .count,
    ]

    // The numbered names that the Object Detection API's TF2 exporter gives.
    private static let exporterNames: [String: Role] = [
        "output_0": .count, "output_1": .scores, "output_2": .classes, "output_3": .boxes,
    ]

    // Operators that do not change what an output means: DEQUANTIZE, RESHAPE, SQUEEZE, CAST, EXPAND_DIMS and QUANTIZE
    // of enum BuiltinOperator.
    private static let passThrough: Set<Int> = [6, 22, 43, 53, 70, 114]

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

    private static func isKnown(_ shape: [Int]) -> Bool {
        !shape.isEmpty && shape.allSatisfy { $0 > 0 }
    }

    private static func elements(_ shape: [Int]) -> Int {
        shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    }

    /// Whether this order is consistent with the known `shapes`.
    private func fits(_ shapes: [[Int]]) -> Bool {
        let (boxes, count) = (shapes[boxes], shapes[count])
        if OutputOrder.isKnown(boxes), boxes.count != 3 || boxes[2] != 4 {
            return false
        }
        return !OutputOrder.isKnown(count) || OutputOrder.elements(count) == 1
    }

    /// Positions of the boxes, the count, and the two others, or nil if the shapes are not those of a detector.
    private static func byShape(_ shapes: [[Int]]) -> (Int, Int, [Int])? {
        for boxes in shapes.indices {
            for count in shapes.indices where count != boxes {
                let rest = shapes.indices.filter { $0 != boxes && $0 != count }
                guard rest.count == 2, shapes[boxes].count == 3, shapes[boxes][2] == 4, elements(shapes[count]) == 1
                else { continue }
                // If the model gives at most one detection, all outputs but the boxes have one element; the count is
                // then the one without a batch dimension.
                let slots = [1, shapes[boxes][1]]
                if rest.allSatisfy({ shapes[$0].suffix(2) == slots[...] && shapes[count].count < shapes[$0].count }) {
                    return (boxes, count, rest)
                }
            }
        }
        return nil
    }

    private static func areClasses(_ values: ArraySlice<Float>) -> Bool {
        values.allSatisfy { $0 >= 0 && $0 == $0.rounded() }
    }

    private static func areScores(_ values: ArraySlice<Float>) -> Bool {
        values.allSatisfy { $0 >= 0 && $0 <= 1 } && zip(values, values.dropFirst()).allSatisfy { $1 - $0 <= 1e-6 }
    }
}
