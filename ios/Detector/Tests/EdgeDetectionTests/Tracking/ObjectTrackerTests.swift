import XCTest

@testable import EdgeDetection

final class ObjectTrackerTests: XCTestCase {
    private func object(_ x: Double, label: String = "car") -> Detection {
        Detection(label: label, classID: 0, score: 0.9, box: Box(xmin: x, ymin: 0, xmax: x + 10, ymax: 10))
    }

    private func numbers(_ tracker: inout ObjectTracker, _ places: [Double], _ time: Double) -> [Int?] {
        tracker.update(places.map { object($0) }, time: time).map(\.track)
    }

    func testObjectsKeepTheirNumbersInAnyOrder() {
        var tracker = ObjectTracker()
        XCTAssertEqual(numbers(&tracker, [0, 50], 0), [1, 2])
        XCTAssertEqual(numbers(&tracker, [52, 2], 0.1), [2, 1])
        XCTAssertEqual(numbers(&tracker, [54, 4, 200], 0.2), [2, 1, 3])
    }

    func testObjectIsFoundWhereItWouldHaveMovedTo() {
        var tracker = ObjectTracker()
        for step in 0..<10 {
            XCTAssertEqual(numbers(&tracker, [5 * Double(step)], 0.1 * Double(step)), [1])
        }
        // Two frames without it, in which it moved by more than its width.
        XCTAssertEqual(numbers(&tracker, [60], 1.2), [1])
    }

    func testObjectThatIsLostTooLongGetsANewNumber() {
        var tracker = ObjectTracker(lostSeconds: 1)
        XCTAssertEqual(numbers(&tracker, [0], 0), [1])
        XCTAssertEqual(numbers(&tracker, [], 0.5), [])
        XCTAssertEqual(numbers(&tracker, [0], 1), [1])
        XCTAssertEqual(numbers(&tracker, [0], 2.5), [2])
    }

    func testTimesThatStartAgainStartNewObjects() {
        var tracker = ObjectTracker()
        XCTAssertEqual(numbers(&tracker, [0], 5), [1])
        XCTAssertEqual(numbers(&tracker, [0], 0), [2])
    }

    func testClassMayChangeAndTheRestIsKept() {
        var tracker = ObjectTracker()
        _ = tracker.update([object(0)], time: 0)
        let truck = object(1, label: "truck")
        let tracked = tracker.update([truck], time: 0.1)
        XCTAssertEqual(
            tracked, [Detection(label: "truck", classID: 0, score: 0.9, box: truck.box, track: 1)])
    }

    func testOneObjectContinuesOneBox() {
        var tracker = ObjectTracker()
        XCTAssertEqual(numbers(&tracker, [0], 0), [1])
        XCTAssertEqual(numbers(&tracker, [3, 1], 0.1), [2, 1], "the nearer one")
    }

    func testIntersectionOverUnion() {
        let box = Box(xmin: 0, ymin: 0, xmax: 10, ymax: 10)
        XCTAssertEqual(box.iou(box), 1)
        XCTAssertEqual(box.iou(Box(xmin: 5, ymin: 0, xmax: 15, ymax: 10)), 1.0 / 3, accuracy: 1e-12)
        XCTAssertEqual(box.iou(Box(xmin: 20, ymin: 0, xmax: 30, ymax: 10)), 0)
        let empty = Box(xmin: 1, ymin: 1, xmax: 1, ymax: 1)
        XCTAssertEqual(empty.iou(empty), 0)
    }
}
