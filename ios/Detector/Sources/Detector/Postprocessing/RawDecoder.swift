import Foundation

/// Decodes box codes and class logits to detections, as the detection post-processing operator does in other files.
///
/// `runtime/model/raw_head.py` specifies the rules. Only anchors that reach the threshold are dequantized, decoded and
/// passed to non-maximum suppression: some dozens of 12,804.
struct RawDecoder: Sendable {
    private let head: RawHead
    private let labels: Labels

    init(_ head: RawHead, labels: Labels) {
        self.head = head
        self.labels = labels
    }

    /// See `Postprocessor`. `raw` are the box codes (1, A, 4) and the logits (1, A, F + C). Returns no detections if the
    /// sizes differ.
    func callAsFunction(_ raw: [Tensor], width: Int, height: Int, minScore: Double) -> [Detection] {
        guard raw.count == 2, let logits = RawOutput(raw[1]), let codes = RawOutput(raw[0]),
            logits.count == head.anchors.count * (head.first + head.classes), codes.count == 4 * head.anchors.count
        else { return [] }
        var kept: [Candidate] = []
        for var candidate in candidates(logits, minScore: max(Float(minScore), head.score)) {
            candidate.sides = box(codes, candidate.anchor)
            if kept.allSatisfy({ !candidate.overlaps($0, by: head.iou) }) {
                kept.append(candidate)
                if kept.count == head.detections { break }
            }
        }
        return kept.filter { $0.sides.sum().isFinite }.map { candidate in
            let sides = candidate.sides.clamped(lowerBound: SIMD4(repeating: 0), upperBound: SIMD4(repeating: 1))
            return Detection(
                label: labels[candidate.classID], classID: candidate.classID, score: Double(candidate.score),
                box: Box(relative: [1, 0, 3, 2].map { Double(sides[$0]) }, width: width, height: height)
            )
        }
    }

    /// Anchors whose best class reaches `minScore`, by falling score, ties in anchor order.
    private func candidates(_ logits: RawOutput, minScore: Float) -> [Candidate] {
        let columns = head.first + head.classes
        let threshold = logits.threshold(minScore)
        var candidates: [Candidate] = []
        logits.each(reaching: threshold, columns: columns, from: head.first) { anchor in
            let scores = (head.first..<columns).map { logits.score(anchor * columns + $0) }
            if let best = scores.max(), best >= minScore, let classID = scores.firstIndex(of: best) {
                candidates.append(Candidate(anchor: anchor, classID: classID, score: best))
            }
        }
        return candidates.sorted { ($1.score, $0.anchor) < ($0.score, $1.anchor) }
    }

    /// ymin, xmin, ymax, xmax. Computed in double with centers and half sizes rounded to float, as the operator does.
    private func box(_ codes: RawOutput, _ anchor: Int) -> SIMD4<Float> {
        let anchorBox = head.anchors[anchor]
        func code(_ index: Int) -> Double {
            Double(codes.value(4 * anchor + index)) / Double(head.scales[index])
        }
        let y = Float(code(0) * Double(anchorBox[2]) + Double(anchorBox[0]))
        let x = Float(code(1) * Double(anchorBox[3]) + Double(anchorBox[1]))
        let halfHeight = Float(0.5 * exp(code(2)) * Double(anchorBox[2]))
        let halfWidth = Float(0.5 * exp(code(3)) * Double(anchorBox[3]))
        return SIMD4(y - halfHeight, x - halfWidth, y + halfHeight, x + halfWidth)
    }
}

private struct Candidate {
    let anchor: Int
    let classID: Int
    let score: Float
    var sides = SIMD4<Float>()

    private var area: Float { (sides[2] - sides[0]) * (sides[3] - sides[1]) }

    /// Whether the intersection over union is above `iou`; false for boxes without area.
    func overlaps(_ other: Candidate, by iou: Float) -> Bool {
        guard area > 0, other.area > 0 else { return false }
        let height = max(min(sides[2], other.sides[2]) - max(sides[0], other.sides[0]), 0)
        let width = max(min(sides[3], other.sides[3]) - max(sides[1], other.sides[1]), 0)
        let shared = height * width
        return shared / (other.area + area - shared) > iou
    }
}

/// An output tensor as stored, float32 or quantized to 8 bits.
private struct RawOutput {
    private let tensor: Tensor
    private let size: Int
    // If quantized, the score of each value that can be stored, from the lowest on.
    private let scores: [Float]
    private let lowest: Int

    // The interpreter's LOGISTIC has a fixed output scale (TFLite 8-bit quantization specification).
    private static let steps: Float = 256
    // Subtracted from the threshold's logit against rounding; callers compare the scores again.
    private static let margin: Float = 1e-3

    /// Nil for types that raw heads do not use.
    init?(_ tensor: Tensor) {
        guard [.float32, .uint8, .int8].contains(tensor.port.type) else { return nil }
        self.tensor = tensor
        size = tensor.port.type.size
        lowest = tensor.port.type == .int8 ? -128 : 0
        let port = tensor.port
        guard port.type != .float32 else {
            scores = []
            return
        }
        let lowest = lowest
        scores = (0..<256).map { step in
            let logit = (Float(step + lowest) - Float(port.zeroPoint)) * port.scale
            let rounded = (RawOutput.steps * RawOutput.sigmoid(logit)).rounded(.toNearestOrEven)
            return min(rounded, RawOutput.steps - 1) / RawOutput.steps
        }
    }

    var count: Int { tensor.bytes.count / size }

    func value(_ index: Int) -> Float {
        let port = tensor.port
        return port.type == .float32 ? float(index) : (Float(stored(index)) - Float(port.zeroPoint)) * port.scale
    }

    func score(_ index: Int) -> Float {
        scores.isEmpty ? RawOutput.sigmoid(float(index)) : scores[stored(index) - lowest]
    }

    /// The lowest stored value that can have a score of `minScore`. If none can, the highest value; callers compare the
    /// scores again.
    func threshold(_ minScore: Float) -> Float {
        guard scores.isEmpty else {
            return Float((scores.firstIndex { $0 >= minScore } ?? scores.count - 1) + lowest)
        }
        if minScore <= 0 { return -.infinity }
        return minScore < 1 ? log(minScore / (1 - minScore)) - RawOutput.margin : .infinity
    }

    /// Calls `body` for each row of `columns` values with a value of `threshold` or more in column `from` or later.
    func each(reaching threshold: Float, columns: Int, from: Int, _ body: (Int) -> Void) {
        let rows = count / columns
        tensor.bytes.withUnsafeBytes { buffer in
            switch tensor.port.type {
            case .uint8:
                RawOutput.each(buffer.bindMemory(to: UInt8.self), UInt8(threshold), rows, columns, from, body)
            case .int8:
                RawOutput.each(buffer.bindMemory(to: Int8.self), Int8(threshold), rows, columns, from, body)
            default:
                RawOutput.each(buffer.bindMemory(to: Float.self), threshold, rows, columns, from, body)
            }
        }
    }

    private static func each<Value: Comparable>(
        _ values: UnsafeBufferPointer<Value>, _ threshold: Value, _ rows: Int, _ columns: Int, _ from: Int,
        _ body: (Int) -> Void
    ) {
        for row in 0..<rows where (row * columns + from..<(row + 1) * columns).contains(where: { values[$0] >= threshold }) {
            body(row)
        }
    }

    private func stored(_ index: Int) -> Int {
        tensor.port.type == .int8 ? Int(Int8(bitPattern: tensor.bytes[index])) : Int(tensor.bytes[index])
    }

    private func float(_ index: Int) -> Float {
        tensor.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * index, as: Float.self) }
    }

    private static func sigmoid(_ logit: Float) -> Float {
        Float(1 / (1 + exp(-Double(logit))))
    }
}
