import XCTest

@testable import EdgeDetection

final class LabelsTests: XCTestCase {
    func testOneNamePerLine() throws {
        let labels = try Labels(parsing: "ring\n two words \nstar\n\n")
        XCTAssertEqual(labels.names, ["ring", "two words", "star"])
        XCTAssertEqual(labels[1], "two words")
        XCTAssertEqual(labels[7], "class 7")
        XCTAssertEqual(labels[-1], "class -1")
    }

    func testOtherLineEndsAndByteOrderMark() throws {
        XCTAssertEqual(try Labels(parsing: "\u{FEFF}a\r\nb\r\n").names, ["a", "b"])
    }

    func testBackgroundIsDropped() throws {
        XCTAssertEqual(try Labels(parsing: "???\nperson\nbicycle").names, ["person", "bicycle"])
        XCTAssertEqual(try Labels(parsing: "background").names, ["background"])
    }

    func testNumberedLinesAreOrderedByNumber() throws {
        XCTAssertEqual(try Labels(parsing: "0  person\n2: car\n").names, ["person", "class 1", "car"])
        XCTAssertEqual(try Labels(parsing: "1 euro\n2 euro\n").names, ["1 euro", "2 euro"])
        XCTAssertEqual(try Labels(parsing: "0 a\n99999999 b").names, ["0 a", "99999999 b"])
        XCTAssertEqual(try Labels(parsing: "0x\n1x").names, ["0x", "1x"])
    }

    func testEmptyTextIsRejected() {
        XCTAssertThrowsError(try Labels(parsing: "\n \n", source: "labels.txt")) { error in
            XCTAssertEqual("\(error)", "labels.txt: no labels in it; write one class name a line")
        }
    }
}
