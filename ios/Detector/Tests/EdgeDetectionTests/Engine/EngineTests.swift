import XCTest

#if os(Linux)
import TensorFlowLiteC
#endif

@testable import EdgeDetection

final class EngineTests: XCTestCase {
    private func reasons(_ file: String) async throws -> [String] {
        let detector = try Detector(path: Golden.path(file))
        let attempts = await detector.engineAttempts
        XCTAssertEqual(attempts.map(\.accelerator), [.coreML, .metal, .cpu])
        XCTAssertEqual(attempts.last?.outcome, .chosen)
        let name = await detector.engineName
        XCTAssert(name.contains("CPU, 2 threads"), name)
        return attempts.compactMap { attempt in
            if case .failed(let reason) = attempt.outcome { reason } else { nil }
        }
    }

    func testAcceleratorsThatCannotRunTheModelHaveReasons() async throws {
        let int8 = try await reasons("detector_int8.tflite")
        XCTAssert(int8[0].contains("float"), int8[0])
        XCTAssert(int8[1].contains("no Metal delegate"), int8[1])
        let float = try await reasons("detector_fp16.tflite")
        XCTAssert(float[0].contains("no Core ML delegate"), float[0])
    }

    func testWithoutUsableAcceleratorLoadingFails() {
        var options = DetectorOptions()
        for (accelerators, words) in [([], "name at least the CPU"), ([Accelerator.metal], "no Metal delegate")] {
            options.accelerators = accelerators
            XCTAssertThrowsError(try Detector(path: Golden.path("detector_int8.tflite"), options: options)) { error in
                XCTAssert("\(error)".contains(words), "\(error)")
            }
        }
    }

    func testErrorHasTheReasonOfTheEngine() {
        XCTAssertThrowsError(try TensorFlowLiteEngine(path: "/nowhere.tflite")) { error in
            guard case DetectorError.engine(let reason) = error else { return XCTFail("\(error)") }
            XCTAssert(reason.contains("/nowhere.tflite"))
        }
    }

    #if os(Linux)
    /// TensorFlow Lite's own delegate, which takes what it knows and leaves the rest to the kernels.
    private func xnnpack() throws -> Delegate {
        Delegate("XNNPACK", try XCTUnwrap(TfLiteXNNPackDelegateCreate(nil)), free: { TfLiteXNNPackDelegateDelete($0) })
    }

    func testPartOfTheModelThatADelegateRunsIsCounted() throws {
        let path = Golden.path("detector_fp16.tflite")
        let operators = try Model.read(path).operators.count
        let engine = try TensorFlowLiteEngine(path: path, threads: 1, delegate: xnnpack())
        let delegation = try XCTUnwrap(engine.delegation)
        XCTAssertEqual(delegation.operators, operators)
        // The post-processing is not XNNPACK's.
        XCTAssert((1..<operators).contains(delegation.delegated), "\(delegation)")
        XCTAssert((1...delegation.delegated).contains(delegation.pieces), "\(delegation)")
        XCTAssertFalse(delegation.isComplete)
        XCTAssert(engine.name.contains("XNNPACK for \(delegation.delegated) of \(operators) operators"), engine.name)
        XCTAssertEqual(try engine.invoke([UInt8](repeating: 0, count: 4 * 3 * 320 * 320)).count, 4)
        XCTAssertNil(try TensorFlowLiteEngine(path: path).delegation)
    }

    func testDelegatesAreCountedApart() throws {
        let (one, other) = (try xnnpack(), try xnnpack())
        let first = try TensorFlowLiteEngine(path: Golden.path("detector_fp16.tflite"), threads: 1, delegate: one)
        XCTAssertNil(other.delegation)
        let second = try TensorFlowLiteEngine(path: Golden.path("rectangle_int8.tflite"), threads: 1, delegate: other)
        XCTAssertNotEqual(first.delegation?.operators, second.delegation?.operators)
        XCTAssertEqual(one.delegation, first.delegation)
    }

    func testDelegateThatTakesNothingIsNoEngine() throws {
        let delegate = try xnnpack()
        delegate.pointer.pointee.Prepare = { _, _ in kTfLiteOk }
        let idle = Delegate("Idle", delegate.pointer, free: { _ in })
        let path = Golden.path("rectangle_int8.tflite")
        XCTAssertThrowsError(try TensorFlowLiteEngine(path: path, threads: 1, delegate: idle)) { error in
            XCTAssert("\(error)".contains("Idle runs none of the model's"), "\(error)")
        }
    }
    #endif

    func testPortsOfTheFileAreThoseOfTheEngine() throws {
        for file in ["detector_int8.tflite", "detector_int8_raw.tflite", "detector_fp16.tflite"] {
            let engine = try TensorFlowLiteEngine(path: Golden.path(file))
            let ports = try ModelPorts(path: Golden.path(file))
            XCTAssertEqual(ports.inputs, engine.inputs, file)
            XCTAssertEqual(ports.outputs.map(\.name), engine.outputs.map(\.name), file)
            XCTAssertEqual(ports.outputs.map(\.scale), engine.outputs.map(\.scale), file)
            XCTAssertEqual(ports.outputs.map(\.zeroPoint), engine.outputs.map(\.zeroPoint), file)
            XCTAssertEqual(ports.outputs.map(\.type), engine.outputs.map(\.type), file)
        }
    }

    func testInputOfWrongSizeIsRejected() throws {
        let engine = try TensorFlowLiteEngine(path: Golden.path("detector_int8.tflite"))
        XCTAssertThrowsError(try engine.invoke([1, 2, 3])) { error in
            XCTAssert("\(error)".contains("takes 307200 bytes, not 3"), "\(error)")
        }
    }
}
