import XCTest

@testable import EdgeDetection

final class ZoneTests: XCTestCase {
    private let size = ImageSize(width: 200, height: 100)

    /// A box that stands on the point (x, y) in pixels.
    private func standing(_ x: Double, _ y: Double) -> Box {
        Box(xmin: x - 5, ymin: y - 30, xmax: x + 5, ymax: y)
    }

    func testObjectIsWhereItStands() {
        let zone = Zone(name: "door", from: .init(x: 0.75, y: 1), to: .init(x: 0.25, y: 0.5))
        XCTAssert(zone.contains(standing(100, 75), in: size))
        XCTAssertFalse(zone.contains(standing(100, 45), in: size))
        XCTAssert(zone.contains(standing(100, 55), in: size), "most of it is above")
        XCTAssertFalse(zone.contains(standing(40, 75), in: size))
        XCTAssertFalse(zone.contains(standing(100, 75), in: ImageSize(width: 0, height: 0)))
    }

    func testPolygonMayBeConcave() {
        let points = [(0.0, 0.0), (1, 0), (1, 1), (0.5, 0.5), (0, 1)].map { Zone.Point(x: $0.0, y: $0.1) }
        let zone = Zone(name: "m", points: points)
        XCTAssert(zone.contains(.init(x: 0.5, y: 0.4)))
        XCTAssertFalse(zone.contains(.init(x: 0.5, y: 0.9)))
        XCTAssert(zone.contains(.init(x: 0.1, y: 0.7)))
        XCTAssertFalse(Zone(name: "line", points: Array(points.prefix(2))).contains(.init(x: 0.5, y: 0)))
    }

    func testCountsAndKeepsItsPlace() throws {
        let detections = [standing(20, 90), standing(150, 90), standing(160, 20)].map {
            Detection(label: $0.xmin < 100 ? "a" : "b", classID: 0, score: 1, box: $0)
        }
        let timings = Timings(preprocess: 0, invoke: 0, postprocess: 0)
        let zone = Zone(name: "right", from: .init(x: 0.5, y: 0), to: .init(x: 1, y: 1))
        let result = DetectionResult(detections: detections, imageSize: size, timings: timings)
        XCTAssertEqual(zone.count(result), 2)
        XCTAssertEqual(zone.counts(result), ["b": 2])
        XCTAssertEqual(try JSONDecoder().decode(Zone.self, from: JSONEncoder().encode(zone)), zone)
    }
}
