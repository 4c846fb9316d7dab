import XCTest

@testable import EdgeDetection

final class EngineFallbackTests: XCTestCase {
    private let control = FixedEngine.Control()
    private let image = [UInt8](repeating: 0, count: 48)

    private func fallback(
        _ accelerators: [Accelerator] = [.metal, .cpu], _ choice: EngineChoice = .fastest
    ) throws -> EngineFallback {
        let control = control
        return try EngineFallback(accelerators, choice: choice, clock: { control.seconds }) { accelerator in
            FixedEngine(accelerator.rawValue, control)
        }
    }

    /// The engine that ran each of `count` images.
    private func run(_ fallback: EngineFallback, _ count: Int) throws -> [String] {
        try (0..<count).map { _ in try fallback.invoke(image).engineName }
    }

    func testEnginesTakeTurnsAndTheFastestIsKept() throws {
        control.slow("Metal", to: 9)
        control.slow("CPU", to: 4)
        let fallback = try fallback()
        XCTAssertEqual(fallback.attempts.map(\.outcome), [.measuring, .measuring])
        XCTAssertEqual(try run(fallback, 4), ["Metal", "CPU", "Metal", "CPU"])
        _ = try run(fallback, 16)
        XCTAssertEqual(try run(fallback, 3), ["CPU", "CPU", "CPU"])
        XCTAssertEqual(fallback.attempts.map(\.outcome), [.slower, .chosen])
        XCTAssertEqual(try XCTUnwrap(fallback.attempts[0].milliseconds), 9, accuracy: 1e-6)
        XCTAssertEqual(try XCTUnwrap(fallback.attempts[1].milliseconds), 4, accuracy: 1e-6)
    }

    func testEngineThatFailsOnItsFirstImageIsNotUsed() throws {
        control.fail("Metal")
        let fallback = try fallback()
        XCTAssertEqual(
            fallback.attempts,
            [
                EngineAttempt(accelerator: .metal, outcome: .failed(reason: "out of order")),
                EngineAttempt(accelerator: .cpu, outcome: .chosen),
            ])
        control.wait(1000)
        XCTAssertEqual(try run(fallback, 2), ["CPU", "CPU"])
    }

    func testFirstThatRunsIsUsedAndTheOthersAreNotLoaded() throws {
        let fallback = try fallback([.coreML, .metal, .cpu], .first)
        XCTAssertEqual(control.runs, ["Core ML"])
        XCTAssertEqual(fallback.attempts.map(\.accelerator), [.coreML])
    }

    func testFrameOfAnEngineThatFailsIsGivenToTheNextOne() throws {
        let fallback = try fallback([.metal, .cpu], .first)
        XCTAssertEqual(try run(fallback, 1), ["Metal"])
        control.fail("Metal")
        XCTAssertEqual(try run(fallback, 2), ["CPU", "CPU"])
        XCTAssertEqual(fallback.attempts.map(\.outcome), [.failed(reason: "out of order"), .chosen])
    }

    func testReleasedEngineStepsInForTheFastest() throws {
        control.slow("CPU", to: 20)
        let fallback = try fallback()
        XCTAssertEqual(try run(fallback, 30).suffix(5), Array(repeating: "Metal", count: 5)[...])
        control.fail("Metal")
        XCTAssertEqual(try run(fallback, 1), ["CPU"])
    }

    func testDroppedEngineComesBackAfterAPauseThatGrows() throws {
        let fallback = try fallback([.metal, .cpu], .first)
        control.fail("Metal")
        XCTAssertEqual(try run(fallback, 1), ["CPU"])
        control.wait(EngineFallback.firstPause)
        XCTAssertEqual(try run(fallback, 1), ["CPU"])
        control.fail()
        control.wait(EngineFallback.firstPause)
        XCTAssertEqual(try run(fallback, 1), ["CPU"], "twice the pause after the second failure")
        control.wait(EngineFallback.firstPause)
        XCTAssertEqual(try run(fallback, 2), ["Metal", "Metal"])
    }

    func testAfterEachEngineFailedTheNextFrameIsProcessed() throws {
        let fallback = try fallback()
        control.fail("Metal", "CPU")
        for _ in 0..<3 {
            XCTAssertThrowsError(try run(fallback, 1)) { error in
                XCTAssertEqual(error as? DetectorError, .engine(reason: "out of order"))
            }
        }
        XCTAssertNil(fallback.engine)
        control.fail()
        XCTAssertEqual(try run(fallback, 1).count, 1)
    }

    func testEngineThatGetsSlowIsComparedAgain() throws {
        control.slow("CPU", to: 6)
        control.slow("Metal", to: 5)
        let fallback = try fallback()
        XCTAssertEqual(try run(fallback, 30).last, "Metal")
        control.slow("Metal", to: 12)
        XCTAssertEqual(try run(fallback, 30).last, "Metal", "not at once")
        control.wait(EngineFallback.comparisonPause)
        XCTAssertEqual(try run(fallback, 30).last, "CPU")
        XCTAssertEqual(fallback.attempts.map(\.outcome), [.slower, .chosen])
    }

    func testCallersEngineIsNeitherReplacedNorListed() throws {
        let fallback = EngineFallback(FixedEngine("mine", control))
        control.fail("mine")
        XCTAssertThrowsError(try run(fallback, 1))
        control.fail()
        XCTAssertEqual(try run(fallback, 1), ["mine"])
        XCTAssertEqual(fallback.attempts, [])
    }
}
