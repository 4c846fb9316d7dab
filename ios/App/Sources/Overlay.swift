import Detector
import SwiftUI

/// Boxes, labels and scores over the camera's picture.
struct Overlay: View {
    let found: DetectionSession.Found

    var body: some View {
        Canvas { context, size in
            let view = Viewport(
                pictureWidth: found.width, pictureHeight: found.height, viewWidth: size.width, viewHeight: size.height,
                isMirrored: found.isMirrored)
            // The best come first and are drawn last, on top.
            for detection in found.detections.reversed() {
                draw(detection, at: view.place(detection.box), in: context)
            }
        }
        .allowsHitTesting(false)
        .accessibilityLabel(found.detections.map(\.label).joined(separator: ", "))
    }

    private func draw(_ detection: Detection, at place: Box, in context: GraphicsContext) {
        let color = Color(hue: classHue(detection.classID), saturation: 0.85, brightness: 0.95)
        let frame = CGRect(x: place.xmin, y: place.ymin, width: place.width, height: place.height)
        context.stroke(Path(frame), with: .color(color), lineWidth: 3)
        let score = detection.score.formatted(.percent.precision(.fractionLength(0)))
        let tag = context.resolve(Text("\(detection.label) \(score)").font(.caption.bold()).foregroundStyle(.black))
        let size = tag.measure(in: CGSize(width: 400, height: 100))
        // Above the box where there is room, else inside it.
        let top = frame.minY >= size.height ? frame.minY - size.height : frame.minY
        let behind = CGRect(x: frame.minX, y: top, width: size.width + 6, height: size.height)
        context.fill(Path(behind), with: .color(color))
        context.draw(tag, in: behind.insetBy(dx: 3, dy: 0))
    }
}
