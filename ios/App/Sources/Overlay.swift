import Detector
import SwiftUI

/// Draws boxes, labels and scores over the camera preview.
struct Overlay: View {
    let result: DetectionSession.FrameResult

    var body: some View {
        Canvas { context, size in
            let view = Viewport(
                imageWidth: result.width, imageHeight: result.height, viewWidth: size.width, viewHeight: size.height,
                isMirrored: result.isMirrored)
            // Detections are sorted by falling score; the best one is drawn last, on top.
            for detection in result.detections.reversed() {
                draw(detection, at: view.toView(detection.box), in: context)
            }
        }
        .allowsHitTesting(false)
        .accessibilityLabel(result.detections.map(\.label).joined(separator: ", "))
    }

    private func draw(_ detection: Detection, at box: Box, in context: GraphicsContext) {
        let color = Color(hue: classHue(detection.classID), saturation: 0.85, brightness: 0.95)
        let frame = CGRect(x: box.xmin, y: box.ymin, width: box.width, height: box.height)
        context.stroke(Path(frame), with: .color(color), lineWidth: 3)
        let score = detection.score.formatted(.percent.precision(.fractionLength(0)))
        let tag = context.resolve(Text("\(detection.label) \(score)").font(.caption.bold()).foregroundStyle(.black))
        let size = tag.measure(in: CGSize(width: 400, height: 100))
        // Above the box if there is room, otherwise inside it.
        let top = frame.minY >= size.height ? frame.minY - size.height : frame.minY
        let behind = CGRect(x: frame.minX, y: top, width: size.width + 6, height: size.height)
        context.fill(Path(behind), with: .color(color))
        context.draw(tag, in: behind.insetBy(dx: 3, dy: 0))
    }
}
