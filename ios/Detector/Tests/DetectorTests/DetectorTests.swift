import XCTest

@testable import Detector

final class DetectorTests: XCTestCase {
    private func frame() throws -> Frame {
        let golden = try Golden.read()
        return try Golden.frame(XCTUnwrap(golden.images.first))
    }

    func testFramesFromManyTasksAreProcessedOneByOne() async throws {
        let detector = try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [.cpu])
        let frame = try frame()
        let expected = try await detector.detect(frame).detections
        try await withThrowingTaskGroup(of: [Detection].self) { group in
            for _ in 0..<4 {
                group.addTask { try await detector.detect(frame).detections }
            }
            for try await actual in group {
                XCTAssertEqual(actual, expected)
            }
        }
        XCTAssertFalse(expected.isEmpty)
    }

    func testThresholdCanBeChanged() async throws {
        let detector = try Detector(
            path: Golden.path("detector_int8.tflite"), score: 0, accelerators: [.cpu], allLabels: true)
        let all = try await detector.detect(frame()).detections
        await detector.setScore(0.9)
        let best = try await detector.detect(frame()).detections
        XCTAssertEqual(all.count, 25)
        XCTAssertEqual(best, all.filter { $0.score >= 0.9 })
    }

    func testRotatedFrameGivesBoxesOfTheUprightImage() async throws {
        let golden = try Golden.read()
        let image = try XCTUnwrap(golden.images.first)
        let rgb = [UInt8](try Golden.rgb(image.file))
        // Upside down, the last pixel comes first.
        let pixels = stride(from: rgb.count - 3, through: 0, by: -3).flatMap { rgb[$0..<$0 + 3] }
        let rotated = try Frame(
            .rgb(Plane(Data(pixels), bytesPerRow: 3 * image.width)), width: image.width, height: image.height,
            rotation: .half)
        let detector = try Detector(path: Golden.path("detector_int8.tflite"), accelerators: [.cpu])
        let (plain, actual) = (try await detector.detect(frame()), try await detector.detect(rotated))
        XCTAssertEqual(actual.detections, plain.detections)
    }

    func testCustomEngine() async throws {
        let detector = try Detector(path: Golden.path("detector_int8.tflite"), engine: FixedEngine(fails: false))
        let actual = try await detector.detect(frame()).detections
        XCTAssertEqual(actual.map(\.label), ["square"])
        XCTAssertEqual(detector.engineName, "fixed")
        XCTAssert(detector.description.inputSize == (4, 4))
    }
}
