import XCTest

@testable import EdgeDetection

final class ZoneDraftTests: XCTestCase {
    /// A view of 400 x 400 points on an image of 800 x 400 pixels, whose left and right quarters are cut.
    private let viewport = Viewport(imageWidth: 800, imageHeight: 400, viewWidth: 400, viewHeight: 400)

    private func touch(_ draft: inout ZoneDraft, _ path: [(Double, Double)]) {
        draft.press(x: path[0].0, y: path[0].1, in: viewport)
        for (x, y) in path.dropFirst() {
            draft.move(x: x, y: y, in: viewport)
        }
        draft.release(in: viewport)
    }

    private func tapped(_ places: [(Double, Double)]) -> ZoneDraft {
        var draft = ZoneDraft()
        for place in places {
            touch(&draft, [place])
        }
        return draft
    }

    private func places(_ draft: ZoneDraft) -> [[Double]] {
        draft.points.map { point in
            let place = viewport.toView(point)
            return [place.x.rounded(), place.y.rounded()]
        }
    }

    func testTapsAddCorners() {
        var draft = tapped([(100, 100), (300, 100)])
        XCTAssertFalse(draft.isComplete)
        // A finger never keeps quite still.
        touch(&draft, [(299, 300), (300, 301), (300, 300)])
        XCTAssertEqual(places(draft), [[100, 100], [300, 100], [300, 300]])
        XCTAssert(draft.isComplete)
        XCTAssertEqual(draft.selected, 2)
        XCTAssertEqual(draft.points[0], Zone.Point(x: 0.375, y: 0.25), "relative to the whole image")
    }

    func testCornersAreMovedAndRemoved() {
        var draft = tapped([(100, 100), (300, 100), (300, 300), (100, 300)])
        touch(&draft, [(290, 310), (250, 250), (260, 270)])
        XCTAssertEqual(places(draft), [[100, 100], [300, 100], [260, 270], [100, 300]])
        XCTAssertEqual(draft.selected, 2)
        draft.removeSelected()
        XCTAssertEqual(places(draft), [[100, 100], [300, 100], [100, 300]])
        XCTAssertNil(draft.selected)
        draft.removeSelected()
        XCTAssertEqual(draft.points.count, 3)
    }

    func testCornerStaysInTheImage() {
        var draft = tapped([(100, 100), (300, 100), (300, 300)])
        touch(&draft, [(300, 300), (300, 900)])
        XCTAssertEqual(draft.points[2].y, 1)
    }

    func testTouchOnAnEdgeMakesACorner() {
        var draft = tapped([(100, 100), (300, 100), (300, 300)])
        touch(&draft, [(200, 110), (200, 50)])
        XCTAssertEqual(places(draft), [[100, 100], [200, 50], [300, 100], [300, 300]])
        // The edge from the last corner to the first one.
        touch(&draft, [(200, 200), (150, 250)])
        XCTAssertEqual(places(draft).last, [150, 250])
    }

    func testOutlineIsDrawnInOneMove() {
        func line(_ from: (Double, Double), _ to: (Double, Double)) -> [(Double, Double)] {
            (0..<20).map { step in
                let share = Double(step) / 20
                // Hands tremble.
                return (from.0 + (to.0 - from.0) * share + Double(step % 3), from.1 + (to.1 - from.1) * share)
            }
        }
        let corners = [(100.0, 100.0), (300, 100), (300, 300), (200, 150), (100, 300)]
        let path = zip(corners, corners.dropFirst() + [corners[0]]).flatMap { line($0, $1) }
        var draft = ZoneDraft()
        touch(&draft, path)
        XCTAssertEqual(draft.points.count, corners.count, "\(places(draft))")
        for (place, corner) in zip(places(draft), corners) {
            XCTAssertEqual(place[0], corner.0, accuracy: 10)
            XCTAssertEqual(place[1], corner.1, accuracy: 10)
        }
        XCTAssertNil(draft.selected)
    }

    func testLineEnclosesNothing() {
        var draft = ZoneDraft()
        touch(&draft, [(100, 100), (150, 101), (300, 100)])
        XCTAssertEqual(draft.points, [])
        XCTAssertFalse(draft.isComplete)
    }

    func testZoneIsChangedWhereItIsInAMirroredView() {
        let mirrored = Viewport(imageWidth: 400, imageHeight: 400, viewWidth: 400, viewHeight: 400, isMirrored: true)
        let zone = Zone(name: "door", from: .init(x: 0, y: 0), to: .init(x: 0.25, y: 0.25))
        var draft = ZoneDraft(zone)
        draft.press(x: 305, y: 95, in: mirrored)
        draft.move(x: 200, y: 200, in: mirrored)
        draft.release(in: mirrored)
        XCTAssertEqual(draft.points[2], Zone.Point(x: 0.5, y: 0.5))
        XCTAssertEqual(draft.points.count, 4)
    }
}
