import XCTest

@testable import Detector

final class EngineTests: XCTestCase {
    func testSkippedAcceleratorsHaveReasons() throws {
        let detector = try Detector(path: Golden.path("detector_int8.tflite"))
        XCTAssertEqual(detector.skippedAccelerators.map(\.accelerator), [.coreML, .metal])
        XCTAssert(detector.skippedAccelerators[0].reason.contains("float"), detector.skippedAccelerators[0].reason)
        XCTAssert(detector.skippedAccelerators[1].reason.contains("no Metal delegate"), detector.skippedAccelerators[1].reason)
        XCTAssert(detector.engineName.contains("CPU, 2 threads"), detector.engineName)
        let float = try Detector(path: Golden.path("detector_fp16.tflite"))
        XCTAssert(float.skippedAccelerators[0].reason.contains("no Core ML delegate"), float.skippedAccelerators[0].reason)
    }

    func testFallbackWithoutUsableAcceleratorThrows() {
        XCTAssertThrowsError(try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [])) { error in
            XCTAssert("\(error)".contains("name at least the CPU"), "\(error)")
        }
        XCTAssertThrowsError(try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [.metal])) { error in
            XCTAssert("\(error)".contains("no Metal delegate"), "\(error)")
        }
    }

    func testEngineThatFailsToRunIsSkipped() throws {
        let fallback = try DelegateFallback([.metal, .cpu]) { accelerator throws(DetectorError) in
            FixedEngine(fails: accelerator == .metal)
        }
        XCTAssertEqual(fallback.skippedAccelerators, [SkippedAccelerator(accelerator: .metal, reason: "out of order")])
    }

    func testErrorHasTheReasonOfTheEngine() {
        XCTAssertThrowsError(try TensorFlowLiteEngine(path: "/nowhere.tflite")) { error in
            guard case DetectorError.engine(let reason) = error else { return XCTFail("\(error)") }
            XCTAssert(reason.contains("/nowhere.tflite"))
        }
    }

    func testInputOfWrongSizeIsRejected() throws {
        let engine = try TensorFlowLiteEngine(path: Golden.path("detector_int8.tflite"))
        XCTAssertThrowsError(try engine.invoke([1, 2, 3])) { error in
            XCTAssert("\(error)".contains("takes 307200 bytes, not 3"), "\(error)")
        }
    }
}
