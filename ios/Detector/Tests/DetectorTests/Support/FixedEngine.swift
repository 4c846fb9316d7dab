@testable import Detector

/// An engine that gives the same detection for every image.
final class FixedEngine: Engine {
    let name = "fixed"
    let inputs = [TensorPort(name: "images", shape: [1, 4, 4, 3], type: .uint8)]
    let outputs: [TensorPort]
    private let fails: Bool
    private let values: [[Float]] = [[0.1, 0.1, 0.9, 0.9], [1], [0.8], [1]]

    init(fails: Bool) {
        self.fails = fails
        outputs = [[1, 1, 4], [1, 1], [1, 1], [1]].map { TensorPort(name: "", shape: $0, type: .float32) }
    }

    func invoke(_ input: [UInt8]) throws(DetectorError) -> [Tensor] {
        if fails {
            throw .engine(reason: "out of order")
        }
        return zip(outputs, values).map { port, values in
            Tensor(port: port, bytes: values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
        }
    }
}
