import EdgeDetection
import SwiftUI

/// Shares the latest frame with its boxes.
struct ShareFrame: View {
    let session: DetectionSession
    @State private var image: UIImage?

    var body: some View {
        if let image {
            let shared = Image(uiImage: image)
            ShareLink(item: shared, preview: SharePreview("Detections", image: shared))
                .labelStyle(.iconOnly)
            Button("Discard", systemImage: "xmark") { self.image = nil }
                .labelStyle(.iconOnly)
        } else {
            // Drawn on request only: it takes longer than a frame.
            Button("Capture this frame", systemImage: "camera.viewfinder") {
                image = session.result.flatMap { annotated($0.frame, $0.detection, session.settings.zones) }
            }
            .labelStyle(.iconOnly)
        }
    }

    /// The upright frame with zones, boxes and labels; nil if there is no memory for it.
    private func annotated(_ frame: Frame, _ result: DetectionResult, _ zones: [Zone]) -> UIImage? {
        guard let image = frame.uprightImage else { return nil }
        let size = CGSize(width: image.width, height: image.height)
        let format = UIGraphicsImageRendererFormat()
        format.scale = 1
        let font = UIFont.boldSystemFont(ofSize: max(12, size.height / 40))
        return UIGraphicsImageRenderer(size: size, format: format).image { _ in
            UIImage(cgImage: image).draw(at: .zero)
            for zone in zones {
                let corners = zone.points.map { CGPoint(x: $0.x * size.width, y: $0.y * size.height) }
                guard let first = corners.first else { continue }
                let path = UIBezierPath()
                path.move(to: first)
                corners.dropFirst().forEach(path.addLine)
                path.close()
                path.lineWidth = max(2, size.height / 240)
                UIColor.white.setStroke()
                path.stroke()
            }
            for detection in result.detections.reversed() {
                let style = ClassColor(classID: detection.classID)
                let color = UIColor(
                    hue: style.hue, saturation: style.saturation, brightness: style.brightness, alpha: 1)
                let box = detection.box
                let path = UIBezierPath(rect: CGRect(x: box.xmin, y: box.ymin, width: box.width, height: box.height))
                path.lineWidth = max(2, size.height / 240)
                color.setStroke()
                path.stroke()
                let text = NSAttributedString(
                    string: detection.caption,
                    attributes: [
                        .font: font, .backgroundColor: color,
                        .foregroundColor: style.takesBlackText ? UIColor.black : UIColor.white,
                    ])
                text.draw(at: CGPoint(x: box.xmin, y: max(0, box.ymin - font.lineHeight)))
            }
        }
    }
}
