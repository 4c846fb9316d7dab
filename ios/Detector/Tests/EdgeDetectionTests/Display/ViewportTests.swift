import XCTest

@testable import EdgeDetection

final class ViewportTests: XCTestCase {
    private let box = Box(xmin: 10, ymin: 20, xmax: 30, ymax: 60)

    func testImageOfTheSameAspectRatioIsOnlyScaled() {
        let view = Viewport(imageWidth: 100, imageHeight: 200, viewWidth: 50, viewHeight: 100)
        XCTAssertEqual(view.toView(box), Box(xmin: 5, ymin: 10, xmax: 15, ymax: 30))
    }

    func testTooWideImageIsCroppedOnBothSides() {
        let view = Viewport(imageWidth: 200, imageHeight: 100, viewWidth: 100, viewHeight: 100)
        XCTAssertEqual(view.toView(box), Box(xmin: -40, ymin: 20, xmax: -20, ymax: 60))
    }

    func testMirroredViewIsFlippedHorizontally() {
        let view = Viewport(imageWidth: 100, imageHeight: 100, viewWidth: 100, viewHeight: 100, isMirrored: true)
        XCTAssertEqual(view.toView(box), Box(xmin: 70, ymin: 20, xmax: 90, ymax: 60))
    }

    func testPointsOfTheViewAreRelativeToTheImage() {
        let view = Viewport(imageWidth: 200, imageHeight: 100, viewWidth: 100, viewHeight: 100)
        XCTAssertEqual(view.toImage(x: 50, y: 25), Zone.Point(x: 0.5, y: 0.25))
        XCTAssertEqual(view.toImage(x: 0, y: 200), Zone.Point(x: 0.25, y: 1))
        let mirrored = Viewport(imageWidth: 100, imageHeight: 100, viewWidth: 100, viewHeight: 100, isMirrored: true)
        XCTAssertEqual(mirrored.toImage(x: 25, y: 25), Zone.Point(x: 0.75, y: 0.25))
        XCTAssert(mirrored.toView(Zone.Point(x: 0.75, y: 0.25)) == (25, 25))
        XCTAssert(view.toView(Zone.Point(x: 0.5, y: 0.25)) == (50, 25))
    }
}

final class ClassColorTests: XCTestCase {
    func testHuesEqualThoseOfPython() {
        XCTAssertEqual(ClassColor(classID: 0).hue, 0.33, accuracy: 1e-12)
        XCTAssertEqual(ClassColor(classID: 2).hue, 0.566068, accuracy: 1e-9)
    }

    func testTextCanBeRead() {
        // WCAG 2.1 asks for a contrast ratio of 4.5.
        var dark = 0
        for classID in 0..<100 {
            let color = ClassColor(classID: classID)
            let contrast = color.takesBlackText ? (color.luminance + 0.05) / 0.05 : 1.05 / (color.luminance + 0.05)
            XCTAssertGreaterThanOrEqual(contrast, 4.5, "\(classID)")
            dark += color.takesBlackText ? 0 : 1
        }
        XCTAssertGreaterThan(dark, 0)
        XCTAssertLessThan(dark, 100)
    }
}
