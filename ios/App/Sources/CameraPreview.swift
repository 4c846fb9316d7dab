import SwiftUI

/// The camera's picture, filling the view; a front camera is shown mirrored, as in a mirror.
struct CameraPreview: UIViewRepresentable {
    let camera: Camera

    func makeUIView(context: Context) -> PreviewView {
        PreviewView(showing: camera.preview)
    }

    func updateUIView(_ view: PreviewView, context: Context) {}
}

/// A view as large as the layer that it shows.
final class PreviewView: UIView {
    private let shown: CALayer

    init(showing shown: CALayer) {
        self.shown = shown
        super.init(frame: .zero)
        layer.addSublayer(shown)
    }

    @available(*, unavailable)
    required init?(coder: NSCoder) {
        nil
    }

    override func layoutSubviews() {
        super.layoutSubviews()
        shown.frame = bounds
    }
}
