import EdgeDetection
import SwiftUI

/// Draws boxes, labels, scores and zones over an image that fills the view.
struct Overlay: View {
    let result: DetectionSession.FrameResult
    let zones: [Zone]

    var body: some View {
        Canvas { context, size in
            let image = result.detection.imageSize
            let viewport = Viewport(
                imageWidth: image.width, imageHeight: image.height, viewWidth: size.width, viewHeight: size.height,
                isMirrored: result.isMirrored)
            for zone in zones {
                draw(zone, viewport, in: context)
            }
            // Detections are sorted by falling score; the best one is drawn last, on top.
            for detection in result.detection.detections.reversed() {
                draw(detection, at: viewport.toView(detection.box), in: context)
            }
        }
        .allowsHitTesting(false)
        .accessibilityLabel(listed(Dictionary(result.detection.detections.map { ($0.label, 1) }, uniquingKeysWith: +)))
    }

    private func draw(_ zone: Zone, _ viewport: Viewport, in context: GraphicsContext) {
        var path = Path()
        path.addLines(
            zone.points.map { point in
                let place = viewport.toView(point)
                return CGPoint(x: place.x, y: place.y)
            })
        path.closeSubpath()
        context.stroke(path, with: .color(.white), lineWidth: 2)
    }

    private func draw(_ detection: Detection, at box: Box, in context: GraphicsContext) {
        let style = ClassColor(classID: detection.classID)
        let color = Color(hue: style.hue, saturation: style.saturation, brightness: style.brightness)
        let frame = CGRect(x: box.xmin, y: box.ymin, width: box.width, height: box.height)
        context.stroke(Path(frame), with: .color(color), lineWidth: 3)
        let text = Text(detection.caption).font(.caption.bold()).foregroundStyle(style.takesBlackText ? .black : .white)
        let tag = context.resolve(text)
        let size = tag.measure(in: CGSize(width: 400, height: 100))
        // Above the box if there is room, otherwise inside it.
        let top = frame.minY >= size.height ? frame.minY - size.height : frame.minY
        let behind = CGRect(x: frame.minX, y: top, width: size.width + 6, height: size.height)
        context.fill(Path(behind), with: .color(color))
        context.draw(tag, in: behind.insetBy(dx: 3, dy: 0))
    }
}

extension Detection {
    /// Such as `person 87% #3`.
    var caption: String {
        let percent = score.formatted(.percent.precision(.fractionLength(0)))
        return "\(label) \(percent)" + (track.map { " #\($0)" } ?? "")
    }
}
