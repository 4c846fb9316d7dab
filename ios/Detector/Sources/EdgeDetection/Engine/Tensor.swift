/// The element type of a tensor.
public enum TensorType: String, Sendable {
    case float32, uint8, int8, int32, int64, other

    /// Bytes of one element; 0 if not known.
    public var size: Int {
        switch self {
        case .float32, .int32: 4
        case .uint8, .int8: 1
        case .int64: 8
        case .other: 0
        }
    }
}

/// Describes one input or output tensor.
///
/// Quantized values are dequantized as (value - `zeroPoint`) * `scale`; `scale` is 0 if the tensor is not quantized.
public struct TensorPort: Equatable, Sendable {
    public let name: String
    public let shape: [Int]
    public let type: TensorType
    public let scale: Float
    public let zeroPoint: Int

    public init(name: String, shape: [Int], type: TensorType, scale: Float = 0, zeroPoint: Int = 0) {
        self.name = name
        self.shape = shape
        self.type = type
        self.scale = scale
        self.zeroPoint = zeroPoint
    }
}

/// An output tensor as stored by the engine: elements of `port.type`, little-endian, in row-major order.
public struct Tensor: Sendable {
    public let port: TensorPort
    public let bytes: [UInt8]

    public init(port: TensorPort, bytes: [UInt8]) {
        self.port = port
        self.bytes = bytes
    }

    /// The values as float32, dequantized if needed. Empty for `TensorType.other`.
    public var floats: [Float] {
        switch port.type {
        case .float32: numbers(Float.self) { $0 }
        case .uint8: numbers(UInt8.self) { dequantize(Int($0)) }
        case .int8: numbers(Int8.self) { dequantize(Int($0)) }
        case .int32: numbers(Int32.self) { dequantize(Int($0)) }
        case .int64: numbers(Int64.self) { dequantize(Int($0)) }
        case .other: []
        }
    }

    private func dequantize(_ stored: Int) -> Float {
        port.scale == 0 ? Float(stored) : (Float(stored) - Float(port.zeroPoint)) * port.scale
    }

    private func numbers<Number: BitwiseCopyable>(_ type: Number.Type, _ convert: (Number) -> Float) -> [Float] {
        let width = MemoryLayout<Number>.size
        return bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / width).map { convert(buffer.loadUnaligned(fromByteOffset: $0 * width, as: type)) }
        }
    }
}
