import Foundation

@testable import EdgeDetection

/// An engine that gives the same detection for every image. Its failures and its time are set from outside.
final class FixedEngine: Engine {
    /// What all engines of a test share.
    final class Control: @unchecked Sendable {
        private let lock = NSLock()
        private var failing: Set<String> = []
        private var milliseconds: [String: Double] = [:]
        private var now = 0.0
        private var log: [String] = []

        /// The names of the engines that ran an image, in order.
        var runs: [String] { lock.withLock { log } }
        var seconds: Double { lock.withLock { now } }

        func fail(_ names: String...) { lock.withLock { failing = Set(names) } }
        func slow(_ name: String, to time: Double) { lock.withLock { milliseconds[name] = time } }
        func wait(_ seconds: Double) { lock.withLock { now += seconds } }

        fileprivate func run(_ name: String) -> Bool {
            lock.withLock {
                now += (milliseconds[name] ?? 1) / 1000
                log.append(name)
                return !failing.contains(name)
            }
        }
    }

    let name: String
    let inputs = [TensorPort(name: "images", shape: [1, 4, 4, 3], type: .uint8)]
    let outputs: [TensorPort]
    private let control: Control
    private let values: [[Float]] = [[0.1, 0.1, 0.9, 0.9], [1], [0.8], [1]]

    init(_ name: String = "fixed", _ control: Control = Control()) {
        self.name = name
        self.control = control
        outputs = [[1, 1, 4], [1, 1], [1, 1], [1]].map { TensorPort(name: "", shape: $0, type: .float32) }
    }

    func invoke(_ input: [UInt8]) throws(DetectorError) -> [Tensor] {
        guard control.run(name) else { throw .engine(reason: "out of order") }
        return zip(outputs, values).map { port, values in
            Tensor(port: port, bytes: values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
        }
    }
}
