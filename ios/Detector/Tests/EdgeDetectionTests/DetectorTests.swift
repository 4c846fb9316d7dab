import XCTest

@testable import EdgeDetection

final class DetectorTests: XCTestCase {
    private let path = Golden.path("detector_int8.tflite")
    private let small = Golden.path("rectangle_int8.tflite")

    private func frame(_ file: String? = nil) throws -> Frame {
        let images = try Golden.read().images
        return try Golden.frame(XCTUnwrap(images.first { file == nil || $0.file == file }))
    }

    func testFramesFromManyTasksAreProcessedOneByOne() async throws {
        let detector = try Detector(path: path, options: .cpu())
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
        var options = DetectorOptions.cpu(scoreThreshold: 0)
        options.allLabels = true
        let detector = try Detector(path: path, options: options)
        let all = try await detector.detect(frame()).detections
        await detector.setScoreThreshold(0.9)
        let best = try await detector.detect(frame()).detections
        XCTAssertEqual(all.count, 25)
        XCTAssertEqual(best, all.filter { $0.score >= 0.9 })
        await detector.setScoreThreshold(7)
        let threshold = await detector.scoreThreshold
        XCTAssertEqual(threshold, 1)
    }

    func testClassesHaveThresholdsOfTheirOwn() async throws {
        var options = DetectorOptions.cpu(scoreThreshold: 0.05)
        options.allLabels = true
        let all = try await Detector(path: path, options: options).detect(frame()).detections
        let name = try XCTUnwrap(all.first).label
        XCTAssertGreaterThan(Set(all.map(\.label)).count, 1)
        options.scoreThreshold = 0.9
        options.scoreThresholds = [name: 0.05]
        let detector = try Detector(path: path, options: options)
        let some = try await detector.detect(frame()).detections
        XCTAssertEqual(some, all.filter { $0.label == name || $0.score >= 0.9 })
        XCTAssertLessThan(some.count, all.count)
        await detector.setScoreThreshold(0.05)
        try await detector.setScoreThreshold(2, for: name)
        let others = try await detector.detect(frame()).detections
        XCTAssertEqual(others, all.filter { $0.label != name })
        let thresholds = await detector.scoreThresholds
        XCTAssertEqual(thresholds, [name: 1])
        try await detector.setScoreThreshold(nil, for: name)
        let again = try await detector.detect(frame()).detections
        XCTAssertEqual(again, all)
        do {
            try await detector.setScoreThreshold(0.5, for: "unicorn")
            XCTFail("no error")
        } catch {
            XCTAssert("\(error)".contains("no class unicorn"), "\(error)")
        }
    }

    func testMaxResultsAreThoseWithTheHighestScores() async throws {
        let all = try await Detector(path: path, options: .cpu(scoreThreshold: 0.1)).detect(frame()).detections
        var options = DetectorOptions.cpu(scoreThreshold: 0.1)
        options.maxResults = 2
        let two = try await Detector(path: path, options: options).detect(frame()).detections
        XCTAssertGreaterThan(all.count, 2)
        XCTAssertEqual(two, Array(all.prefix(2)))
    }

    func testClassesAreAllowedAndDenied() async throws {
        var options = DetectorOptions.cpu(scoreThreshold: 0.05)
        options.allLabels = true
        let all = try await Detector(path: path, options: options).detect(frame()).detections
        let name = try XCTUnwrap(all.first).label
        XCTAssertGreaterThan(Set(all.map(\.label)).count, 1)
        options.categoryAllowlist = [name]
        let allowed = try await Detector(path: path, options: options).detect(frame()).detections
        XCTAssertEqual(allowed, all.filter { $0.label == name })
        options.categoryAllowlist = nil
        options.categoryDenylist = [name]
        let rest = try await Detector(path: path, options: options).detect(frame()).detections
        XCTAssertEqual(rest, all.filter { $0.label != name })
    }

    func testOptionsThatAreNotValidAreRejected() throws {
        func reason(_ change: (inout DetectorOptions) -> Void) throws -> String {
            var options = DetectorOptions.cpu()
            change(&options)
            var reason = ""
            XCTAssertThrowsError(try Detector(path: path, options: options)) { error in
                guard case DetectorError.badOptions(let text) = error else { return XCTFail("\(error)") }
                reason = text
            }
            return reason
        }
        XCTAssert(try reason { $0.maxResults = 0 }.contains("maxResults is 0"))
        XCTAssert(try reason { $0.scoreThreshold = 1.5 }.contains("scoreThreshold is 1.5"))
        XCTAssert(try reason { $0.agnosticIou = -1 }.contains("agnosticIou is -1.0"))
        XCTAssert(try reason { $0.categoryAllowlist = ["unicorn"] }.contains("no class unicorn"))
        XCTAssert(try reason { $0.categoryDenylist = ["unicorn"] }.contains("no class unicorn"))
        XCTAssert(try reason { $0.scoreThresholds = ["unicorn": 0.5] }.contains("no class unicorn"))
        XCTAssert(try reason { $0.scoreThresholds = ["ring": -1] }.contains("scoreThresholds has -1.0 for ring"))
        let both = try reason {
            $0.categoryAllowlist = ["ring"]
            $0.categoryDenylist = ["square"]
        }
        XCTAssert(both.contains("give one of them"), both)
    }

    func testResultHasTimeSizeAndEngine() async throws {
        let plane = Plane(Data(count: 3 * 64 * 48), bytesPerRow: 3 * 64)
        let frame = try Frame(.rgb(plane), width: 64, height: 48, rotation: .left, time: 2.5)
        let result = try await Detector(path: small, options: .cpu()).detect(frame)
        XCTAssertEqual(result.timestamp, 2.5)
        XCTAssertEqual(result.imageSize, ImageSize(width: 48, height: 64))
        XCTAssert(result.engineName.contains("CPU"), result.engineName)
        XCTAssertGreaterThan(result.timings.invoke, 0)
        XCTAssertEqual(result.inferenceTime, result.timings.total)
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
        let detector = try Detector(path: path, options: .cpu())
        let (plain, actual) = (try await detector.detect(frame()), try await detector.detect(rotated))
        XCTAssertEqual(actual.detections, plain.detections)
    }

    func testCustomEngine() async throws {
        let detector = try Detector(path: path, engine: FixedEngine())
        let actual = try await detector.detect(frame())
        XCTAssertEqual(actual.detections.map(\.label), ["square"])
        XCTAssertEqual(actual.engineName, "fixed")
        XCTAssert(detector.description.inputSize == (4, 4))
    }

    func testDetectionGoesOnAfterAFailure() async throws {
        let control = FixedEngine.Control()
        let detector = try Detector(path: path, engine: FixedEngine("mine", control))
        control.fail("mine")
        do {
            _ = try await detector.detect(frame())
            XCTFail("no error")
        } catch {
            XCTAssert("\(error)".contains("out of order"), "\(error)")
        }
        control.fail()
        let result = try await detector.detect(frame())
        XCTAssertEqual(result.detections.count, 1)
    }
}
