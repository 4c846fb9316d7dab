import XCTest

@testable import EdgeDetection

final class DetectionStreamTests: XCTestCase {
    private func detector(_ mode: RunningMode, _ control: FixedEngine.Control = .init()) throws -> Detector {
        let options = DetectorOptions(runningMode: mode)
        return try Detector(
            path: Golden.path("detector_int8.tflite"), engine: FixedEngine("fixed", control), options: options)
    }

    private func frame(_ time: Double) throws -> Frame {
        try Frame(.rgb(Plane(Data(count: 48), bytesPerRow: 12)), width: 4, height: 4, time: time)
    }

    /// A sequence of frames at `times`.
    private func frames(_ times: [Double]) throws -> AsyncStream<Frame> {
        let all = try times.map(frame)
        return AsyncStream { continuation in
            all.forEach { continuation.yield($0) }
            continuation.finish()
        }
    }

    func testEachFrameOfAVideoHasAResult() async throws {
        var times: [Double] = []
        for try await result in try detector(.video).results(of: frames([0, 0.1, 0.2, 0.3])) {
            times.append(result.timestamp)
        }
        XCTAssertEqual(times, [0, 0.1, 0.2, 0.3])
    }

    func testFramesOfAVideoComeInOrder() async throws {
        let detector = try detector(.video)
        _ = try await detector.detect(frame(1))
        do {
            _ = try await detector.detect(frame(1))
            XCTFail("no error")
        } catch {
            XCTAssert("\(error)".contains("is not after 1.0 s"), "\(error)")
        }
        // Another sequence has times of its own; single images have none.
        for try await _ in try detector.results(of: frames([0])) {}
        let single = try self.detector(.image)
        _ = try await single.detect(frame(1))
        _ = try await single.detect(frame(1))
    }

    func testLiveStreamDropsAllButTheNewestFrame() async throws {
        let control = FixedEngine.Control()
        let detector = try detector(.liveStream, control)
        let (frames, feed) = AsyncStream.makeStream(of: Frame.self)
        let results = detector.results(of: frames)
        for index in 0..<50 {
            feed.yield(try frame(Double(index)))
        }
        feed.finish()
        var times: [Double] = []
        for try await result in results {
            times.append(result.timestamp)
        }
        XCTAssertEqual(times.last, 49)
        XCTAssertEqual(times, times.sorted())
    }

    func testResultsEndWithTheFirstError() async throws {
        let control = FixedEngine.Control()
        control.fail("fixed")
        do {
            for try await _ in try detector(.video, control).results(of: frames([0, 1])) {
                XCTFail("a result")
            }
            XCTFail("no error")
        } catch {
            XCTAssert("\(error)".contains("out of order"), "\(error)")
        }
    }

    func testResultsGoOnWhereErrorsAreHandled() async throws {
        for mode in [RunningMode.video, .liveStream] {
            let control = FixedEngine.Control()
            control.fail("fixed")
            var times: [Double] = []
            let results = try detector(mode, control).results(of: frames([0]), onError: { error in
                XCTAssert("\(error)".contains("out of order"), "\(error)")
                control.fail()
            })
            for try await result in results {
                times.append(result.timestamp)
            }
            XCTAssertEqual(times, [])
            XCTAssertEqual(control.runs.count, 1)
        }
    }

    func testErrorOfTheFramesEndsTheResults() async throws {
        struct Broken: Error {}
        let first = try frame(0)
        for mode in RunningMode.allCases {
            let frames = AsyncThrowingStream<Frame, any Error> { continuation in
                continuation.yield(first)
                continuation.finish(throwing: Broken())
            }
            do {
                for try await _ in try detector(mode).results(of: frames) {}
                XCTFail("no error")
            } catch {
                XCTAssert(error is Broken, "\(error)")
            }
        }
    }
}
