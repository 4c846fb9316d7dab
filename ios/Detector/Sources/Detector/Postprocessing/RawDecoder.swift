import Foundation

/// From box codes and class logits to detections: what the operation inside other files does.
///
/// The rules are stated in `runtime/model/raw_head.py`. Only anchors that reach the threshold are
/// dequantized, decoded and suppressed: some dozens of 12,804.
struct RawDecoder: Sendable {
    private let head: RawHead
    private let labels: Labels

    init(_ head: RawHead, labels: Labels) {
        self.head = head
        self.labels = labels
    }

    /// Detections in an upright image of `width` x `height`, the highest score first, none below `minScore`.
    ///
    /// `raw` are the codes [1, A, 4] and the logits [1, A, F + C]; nothing where they have other sizes.
    func callAsFunction(_ raw: [Tensor], width: Int, height: Int, minScore: Double) -> [Detection] {
        guard raw.count == 2, let logits = Stored(raw[1]), let codes = Stored(raw[0]),
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

    /// Anchors whose best class reaches `minScore`, by falling score, equal ones in their order.
    private func candidates(_ logits: Stored, minScore: Float) -> [Candidate] {
        let columns = head.first + head.classes
        let threshold = logits.threshold(minScore)
        var found: [Candidate] = []
        logits.each(reaching: threshold, columns: columns, from: head.first) { anchor in
            let scores = (head.first..<columns).map { logits.score(anchor * columns + $0) }
            if let best = scores.max(), best >= minScore, let classID = scores.firstIndex(of: best) {
                found.append(Candidate(anchor: anchor, classID: classID, score: best))
            }
        }
        return found.sorted { ($1.score, $0.anchor) < ($0.score, $1.anchor) }
    }

    /// ymin, xmin, ymax, xmax: in double with float between center and half, as the operation does it.
    private func box(_ codes: Stored, _ anchor: Int) -> SIMD4<Float> {
        let place = head.anchors[anchor]
        func code(_ index: Int) -> Double {
            Double(codes.real(4 * anchor + index)) / Double(head.scales[index])
        }
        let y = Float(code(0) * Double(place[2]) + Double(place[0]))
        let x = Float(code(1) * Double(place[3]) + Double(place[1]))
        let halfHeight = Float(0.5 * exp(code(2)) * Double(place[2]))
        let halfWidth = Float(0.5 * exp(code(3)) * Double(place[3]))
        return SIMD4(y - halfHeight, x - halfWidth, y + halfHeight, x + halfWidth)
    }
}

private struct Candidate {
    let anchor: Int
    let classID: Int
    let score: Float
    var sides = SIMD4<Float>()

    private var area: Float { (sides[2] - sides[0]) * (sides[3] - sides[1]) }

    /// Boxes without area overlap nothing.
    func overlaps(_ other: Candidate, by iou: Float) -> Bool {
        guard area > 0, other.area > 0 else { return false }
        let height = max(min(sides[2], other.sides[2]) - max(sides[0], other.sides[0]), 0)
        let width = max(min(sides[3], other.sides[3]) - max(sides[1], other.sides[1]), 0)
        let shared = height * width
        return shared / (other.area + area - shared) > iou
    }
}

/// An output as it is stored, float32 or quantized to 8 bits.
private struct Stored {
    private let tensor: Tensor
    private let size: Int
    // Quantized: the score of each value that can be stored, from the lowest one on.
    private let scores: [Float]
    private let lowest: Int

    // The interpreter's LOGISTIC has a fixed output scale (TFLite 8-bit quantization specification).
    private static let steps: Float = 256
    // Float logits are compared with the threshold's own logit a little lower, and scores again after it.
    private static let margin: Float = 1e-3

    /// Nil for types that raw heads don't have.
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
            let rounded = (Stored.steps * Stored.sigmoid(logit)).rounded(.toNearestOrEven)
            return min(rounded, Stored.steps - 1) / Stored.steps
        }
    }

    var count: Int { tensor.bytes.count / size }

    func real(_ index: Int) -> Float {
        let port = tensor.port
        return port.type == .float32 ? float(index) : (Float(stored(index)) - Float(port.zeroPoint)) * port.scale
    }

    func score(_ index: Int) -> Float {
        scores.isEmpty ? Stored.sigmoid(float(index)) : scores[stored(index) - lowest]
    }

    /// The lowest logit that can have a score of least `minScore`; where none can, the highest there is,
    /// since scores are compared again anyway.
    func threshold(_ minScore: Float) -> Float {
        guard scores.isEmpty else {
            return Float((scores.firstIndex { $0 >= minScore } ?? scores.count - 1) + lowest)
        }
        if minScore <= 0 { return -.infinity }
        return minScore < 1 ? log(minScore / (1 - minScore)) - Stored.margin : .infinity
    }

    /// Calls `body` once for each row of `columns` values that has one of least `threshold` in its columns `from` on.
    func each(reaching threshold: Float, columns: Int, from: Int, _ body: (Int) -> Void) {
        let rows = count / columns
        tensor.bytes.withUnsafeBytes { buffer in
            switch tensor.port.type {
            case .uint8:
                Stored.each(buffer.bindMemory(to: UInt8.self), UInt8(threshold), rows, columns, from, body)
            case .int8:
                Stored.each(buffer.bindMemory(to: Int8.self), Int8(threshold), rows, columns, from, body)
            default:
                Stored.each(buffer.bindMemory(to: Float.self), threshold, rows, columns, from, body)
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
