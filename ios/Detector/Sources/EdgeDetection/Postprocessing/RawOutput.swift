import Foundation

/// An output tensor of a raw head as stored, float32 or quantized to 8 bits.
struct RawOutput {
    private let tensor: Tensor
    private let size: Int
    // If quantized, the score of each value that can be stored, from the lowest on.
    private let scores: [Float]
    private let lowest: Int

    // Subtracted from the threshold's logit against rounding; callers compare the scores again.
    private static let margin: Float = 1e-3

    /// `tensor`, with scores of quantized logits changed by `rounded`. Nil for types that raw heads do not use.
    init?(_ tensor: Tensor, rounded: (Float) -> Float = { $0 }) {
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
            rounded(RawOutput.sigmoid((Float(step + lowest) - Float(port.zeroPoint)) * port.scale))
        }
    }

    var count: Int { tensor.bytes.count / size }

    /// The real value of element `index`.
    func value(_ index: Int) -> Float {
        let port = tensor.port
        return port.type == .float32 ? float(index) : (Float(stored(index)) - Float(port.zeroPoint)) * port.scale
    }

    /// The score of the logit at `index`.
    func score(_ index: Int) -> Float {
        scores.isEmpty ? RawOutput.sigmoid(float(index)) : scores[stored(index) - lowest]
    }

    /// The value at `index` as stored, for comparisons; every value of 8 bits is a Float.
    func rank(_ index: Int) -> Float {
        scores.isEmpty ? float(index) : Float(stored(index))
    }

    /// Calls `body` for each index, rising, whose logit has a score of about `minScore` or more.
    func each(reaching minScore: Float, _ body: (Int) -> Void) {
        let threshold = threshold(minScore)
        tensor.bytes.withUnsafeBytes { buffer in
            switch tensor.port.type {
            case .uint8:
                RawOutput.each(buffer.bindMemory(to: UInt8.self), UInt8(threshold), body)
            case .int8:
                RawOutput.each(buffer.bindMemory(to: Int8.self), Int8(threshold), body)
            default:
                RawOutput.each(buffer.bindMemory(to: Float.self), threshold, body)
            }
        }
    }

    private static func each<Value: Comparable>(
        _ values: UnsafeBufferPointer<Value>, _ threshold: Value, _ body: (Int) -> Void
    ) {
        for index in values.indices where values[index] >= threshold {
            body(index)
        }
    }

    /// The lowest stored value that can have a score of `minScore`. If none can, the highest value; callers compare the
    /// scores again.
    private func threshold(_ minScore: Float) -> Float {
        guard scores.isEmpty else {
            return Float((scores.firstIndex { $0 >= minScore } ?? scores.count - 1) + lowest)
        }
        if minScore <= 0 { return -.infinity }
        return minScore < 1 ? log(minScore / (1 - minScore)) - RawOutput.margin : .infinity
    }

    private func stored(_ index: Int) -> Int {
        tensor.port.type == .int8 ? Int(Int8(bitPattern: tensor.bytes[index])) : Int(tensor.bytes[index])
    }

    private func float(_ index: Int) -> Float {
        tensor.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * index, as: Float.self) }
    }

    static func sigmoid(_ logit: Float) -> Float {
        Float(1 / (1 + exp(-Double(logit))))
    }
}
