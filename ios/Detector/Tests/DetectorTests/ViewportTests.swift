import XCTest

@testable import Detector

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

    func testHuesEqualThoseOfPython() {
        XCTAssertEqual(classHue(0), 0.33, accuracy: 1e-12)
        XCTAssertEqual(classHue(2), 0.566068, accuracy: 1e-9)
    }
}
