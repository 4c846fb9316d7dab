import XCTest

@testable import Detector

final class DetectorTests: XCTestCase {
    private func frame() throws -> Frame {
        let golden = try Golden.read()
        return try Golden.frame(XCTUnwrap(golden.pictures.first))
    }

    func testFramesFromManyTasksAreTakenOneByOne() async throws {
        let detector = try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [.cpu])
        let frame = try frame()
        let expected = try await detector.detect(frame).detections
        try await withThrowingTaskGroup(of: [Detection].self) { group in
            for _ in 0..<4 {
                group.addTask { try await detector.detect(frame).detections }
            }
            for try await found in group {
                XCTAssertEqual(found, expected)
            }
        }
        XCTAssertFalse(expected.isEmpty)
    }

    func testTheThresholdCanBeMoved() async throws {
        let detector = try Detector(path: Golden.path("detector_int8.tflite"), score: 0, accelerators: [.cpu])
        let all = try await detector.detect(frame()).detections
        await detector.setScore(0.9)
        let best = try await detector.detect(frame()).detections
        XCTAssertEqual(all.count, 25)
        XCTAssertEqual(best, all.filter { $0.score >= 0.9 })
    }

    func testARotatedFrameGivesBoxesOfTheUprightPicture() async throws {
        let golden = try Golden.read()
        let picture = try XCTUnwrap(golden.pictures.first)
        let rgb = [UInt8](try Golden.rgb(picture.file))
        // Upside down, the last pixel comes first.
        let pixels = stride(from: rgb.count - 3, through: 0, by: -3).flatMap { rgb[$0..<$0 + 3] }
        let turned = try Frame(
            .rgb(Plane(Data(pixels), bytesPerRow: 3 * picture.width)), width: picture.width, height: picture.height,
            rotation: .half)
        let detector = try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [.cpu])
        let (plain, found) = (try await detector.detect(frame()), try await detector.detect(turned))
        XCTAssertEqual(found.detections, plain.detections)
    }

    func testTheLadderSaysWhyARungDidNotHold() throws {
        let detector = try Detector(path: Golden.path("detector_int8.tflite"))
        XCTAssertEqual(detector.stepsDown.map(\.accelerator), [.coreML, .metal])
        XCTAssert(detector.stepsDown[0].reason.contains("float"), detector.stepsDown[0].reason)
        XCTAssert(detector.stepsDown[1].reason.contains("no Metal delegate"), detector.stepsDown[1].reason)
        XCTAssert(detector.engineName.contains("CPU, 2 threads"), detector.engineName)
        let float = try Detector(path: Golden.path("detector_fp16.tflite"))
        XCTAssert(float.stepsDown[0].reason.contains("no Core ML delegate"), float.stepsDown[0].reason)
    }

    func testALadderWithoutRungs() {
        XCTAssertThrowsError(try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [])) { error in
            XCTAssert("\(error)".contains("name at least the CPU"), "\(error)")
        }
        XCTAssertThrowsError(try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [.metal])) { error in
            XCTAssert("\(error)".contains("no Metal delegate"), "\(error)")
        }
    }

    func testAnEngineThatLoadsAndThenFailsIsARungThatDoesNotHold() throws {
        let ladder = try Ladder([.metal, .cpu]) { accelerator throws(DetectorError) in
            FixedEngine(fails: accelerator == .metal)
        }
        XCTAssertEqual(ladder.stepsDown, [StepDown(accelerator: .metal, reason: "out of order")])
    }

    func testAnEngineOfTheCallersOwn() async throws {
        let detector = try Detector(path: Golden.path("detector_int8.tflite"), engine: FixedEngine(fails: false))
        let found = try await detector.detect(frame()).detections
        XCTAssertEqual(found.map(\.label), ["square"])
        XCTAssertEqual(detector.engineName, "fixed")
        XCTAssert(detector.description.inputSize == (4, 4))
    }

    func testTheEnginesOwnWordsReachTheError() {
        XCTAssertThrowsError(try TensorFlowLiteEngine(path: "/nowhere.tflite")) { error in
            guard case DetectorError.engine(let reason) = error else { return XCTFail("\(error)") }
            XCTAssert(reason.contains("/nowhere.tflite"))
        }
    }

    func testAnInputOfTheWrongSize() throws {
        let engine = try TensorFlowLiteEngine(path: Golden.path("detector_int8.tflite"))
        XCTAssertThrowsError(try engine.invoke([1, 2, 3])) { error in
            XCTAssert("\(error)".contains("takes 307200 bytes, not 3"), "\(error)")
        }
    }
}

/// Finds a square wherever it looks.
private final class FixedEngine: Engine {
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
