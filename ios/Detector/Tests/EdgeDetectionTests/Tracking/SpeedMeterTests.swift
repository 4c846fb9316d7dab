import XCTest

@testable import EdgeDetection

final class SpeedMeterTests: XCTestCase {
    private func result(_ milliseconds: Double) -> DetectionResult {
        let timings = Timings(preprocess: 1, invoke: milliseconds - 2, postprocess: 1)
        return DetectionResult(detections: [], imageSize: ImageSize(width: 1, height: 1), timings: timings)
    }

    func testFirstAndLatestFramesAreToldApart() {
        var meter = SpeedMeter()
        XCTAssertNil(meter.framesPerSecond)
        XCTAssertNil(meter.latestMilliseconds)
        for index in 0..<200 {
            meter.add(result(index < 100 ? 10 : 25), at: Double(index) / 20)
        }
        XCTAssertEqual(meter.firstMilliseconds, 10)
        XCTAssertEqual(meter.latestMilliseconds, 25)
        XCTAssertEqual(meter.framesPerSecond ?? 0, 20, accuracy: 1e-9)
    }

    func testHotDeviceGetsFewerFrames() {
        let pauses = ThermalLevel.allCases.map(\.frameInterval)
        XCTAssertEqual(pauses, pauses.sorted())
        XCTAssertEqual(ThermalLevel.nominal.frameInterval, 0)
        XCTAssertGreaterThan(ThermalLevel.critical.frameInterval, 0)
    }
}
