import XCTest

@testable import Detector

final class DisplayRuleTests: XCTestCase {
    private func found(_ classID: Int, _ score: Float, ymin: Float = 0) -> Found {
        Found(classID: classID, score: score, sides: Sides(ymin: ymin, xmin: 0, ymax: 1, xmax: 1))
    }

    private func given(_ found: [Found], allLabels: Bool = false, agnosticIou: Double? = nil) -> [Int] {
        DisplayRule(allLabels: allLabels, agnosticIou: agnosticIou)(found).map(\.classID)
    }

    func testOfTheVerySameBoxesTheClassWithTheHighestScoreIsGiven() {
        let found = [found(0, 0.5), found(1, 0.75), found(2, 0.5, ymin: 0.25)]
        XCTAssertEqual(given(found), [1, 2])
        XCTAssertEqual(given(found, allLabels: true), [1, 0, 2])
    }

    func testIouForAllClasses() {
        // The boxes share three quarters of their union.
        let found = [found(0, 0.5), found(1, 0.75, ymin: 0.25)]
        XCTAssertEqual(given(found), [1, 0])
        XCTAssertEqual(given(found, agnosticIou: 0.75), [1, 0])
        XCTAssertEqual(given(found, agnosticIou: 0.7), [1])
        XCTAssertEqual(given(found, allLabels: true, agnosticIou: 0.7), [1])
    }

    func testNotANumberIsDroppedAndNegativeZeroIsZero() {
        XCTAssertEqual(given([found(0, 0.9, ymin: .nan), found(1, 0.8, ymin: -0.0), found(2, 0.7)]), [1])
    }
}
