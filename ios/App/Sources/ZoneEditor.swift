import EdgeDetection
import SwiftUI

/// Draws a zone with a finger: its corners one by one, or its outline in one move.
struct ZoneEditor: View {
    let session: DetectionSession
    @State private var isPressed = false

    var body: some View {
        if let draft = session.zoneDraft, let result = session.result {
            ZStack(alignment: .top) {
                GeometryReader { geometry in
                    drawing(draft, viewport(result, geometry.size))
                }
                .ignoresSafeArea()
                panel(draft)
            }
        }
    }

    private func viewport(_ result: DetectionSession.FrameResult, _ size: CGSize) -> Viewport {
        let image = result.detection.imageSize
        return Viewport(
            imageWidth: image.width, imageHeight: image.height, viewWidth: size.width, viewHeight: size.height,
            isMirrored: result.isMirrored)
    }

    private func drawing(_ draft: ZoneDraft, _ viewport: Viewport) -> some View {
        Canvas { context, size in
            context.fill(Path(CGRect(origin: .zero, size: size)), with: .color(Color.black.opacity(0.3)))
            let corners = draft.points.map { point in
                let place = viewport.toView(point)
                return CGPoint(x: place.x, y: place.y)
            }
            var outline = Path()
            outline.addLines(corners)
            outline.closeSubpath()
            context.stroke(outline, with: .color(.white), lineWidth: 2)
            for (index, corner) in corners.enumerated() {
                let radius = index == draft.selected ? 11.0 : 7.0
                let circle = CGRect(x: corner.x - radius, y: corner.y - radius, width: 2 * radius, height: 2 * radius)
                context.fill(Path(ellipseIn: circle), with: .color(index == draft.selected ? .yellow : .white))
            }
        }
        .gesture(
            DragGesture(minimumDistance: 0)
                .onChanged { value in
                    if !isPressed {
                        isPressed = true
                        session.zoneDraft?.press(x: value.startLocation.x, y: value.startLocation.y, in: viewport)
                    }
                    session.zoneDraft?.move(x: value.location.x, y: value.location.y, in: viewport)
                }
                .onEnded { _ in
                    isPressed = false
                    session.zoneDraft?.release(in: viewport)
                })
        .accessibilityLabel(String(localized: "The image, to draw the zone on"))
    }

    private func panel(_ draft: ZoneDraft) -> some View {
        VStack {
            Text("Draw around the zone, or tap its corners. Drag a corner to move it.")
                .font(.callout)
            HStack {
                Button("Cancel") { session.endZone(keep: false) }
                Spacer()
                if draft.selected != nil {
                    Button("Remove corner", systemImage: "trash") { session.zoneDraft?.removeSelected() }
                    Spacer()
                }
                if draft.isComplete {
                    Button("Done") { session.endZone(keep: true) }
                }
            }
        }
        .padding()
        .background(.regularMaterial, in: .rect(cornerRadius: 16))
        .padding()
    }
}
