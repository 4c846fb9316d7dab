import XCTest

@testable import EdgeDetection

final class DisplayRuleTests: XCTestCase {
    private func object(_ classID: Int, _ score: Float, ymin: Float = 0) -> DecodedObject {
        DecodedObject(classID: classID, score: score, sides: Sides(ymin: ymin, xmin: 0, ymax: 1, xmax: 1))
    }

    private func given(_ objects: [DecodedObject], allLabels: Bool = false, agnosticIou: Double? = nil) -> [Int] {
        DisplayRule(allLabels: allLabels, agnosticIou: agnosticIou)(objects).map(\.classID)
    }

    func testOfTheVerySameBoxesTheClassWithTheHighestScoreIsGiven() {
        let objects = [object(0, 0.5), object(1, 0.75), object(2, 0.5, ymin: 0.25)]
        XCTAssertEqual(given(objects), [1, 2])
        XCTAssertEqual(given(objects, allLabels: true), [1, 0, 2])
    }

    func testIouForAllClasses() {
        // The boxes share three quarters of their union.
        let objects = [object(0, 0.5), object(1, 0.75, ymin: 0.25)]
        XCTAssertEqual(given(objects), [1, 0])
        XCTAssertEqual(given(objects, agnosticIou: 0.75), [1, 0])
        XCTAssertEqual(given(objects, agnosticIou: 0.7), [1])
        XCTAssertEqual(given(objects, allLabels: true, agnosticIou: 0.7), [1])
    }

    func testNotANumberIsDroppedAndNegativeZeroIsZero() {
        XCTAssertEqual(given([object(0, 0.9, ymin: .nan), object(1, 0.8, ymin: -0.0), object(2, 0.7)]), [1])
    }
}
