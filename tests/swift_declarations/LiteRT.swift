import Foundation

// What the adapter uses of LiteRT's Swift package, release/2.3.0: litert/swift/README.md and Sources/LiteRT.

public enum Accelerator: Int32 {
    case none = 0
    case cpu = 1
    case gpu = 2
    case npu = 4
}
public final class Environment {
    public init() throws {}
}
public final class Options {
    public init() throws {}
    public func setHardwareAccelerators(_ accelerators: Set<Accelerator>) throws {}
}
public struct TensorType: Equatable {}
public final class TensorBuffer {
    init() {}
    public func write<T>(_ data: [T]) throws {}
    public func write(_ data: Data) throws {}
    public func read() throws -> Data { Data() }
    public func read<T>() throws -> [T] { [] }
}
public final class CompiledModel {
    public init(filePath: String, environment: Environment, options: Options? = nil) throws {}
    public func createInputBuffers(signatureIndex: Int = 0) throws -> [TensorBuffer] { [] }
    public func createOutputBuffers(signatureIndex: Int = 0) throws -> [TensorBuffer] { [] }
    public func run(
        inputs: [TensorBuffer], outputs: [TensorBuffer], options: Options? = nil, signatureIndex: Int = 0
    ) throws {}
    public func isFullyAccelerated() throws -> Bool { false }
}
