import SwiftUI

/// The camera preview, filling the view. The front camera is shown mirrored.
struct CameraPreview: UIViewRepresentable {
    let camera: Camera

    func makeUIView(context: Context) -> PreviewView {
        PreviewView(showing: camera.preview)
    }

    func updateUIView(_ view: PreviewView, context: Context) {}
}

/// A view that keeps a layer at its own size.
final class PreviewView: UIView {
    private let previewLayer: CALayer

    init(showing previewLayer: CALayer) {
        self.previewLayer = previewLayer
        super.init(frame: .zero)
        layer.addSublayer(previewLayer)
    }

    @available(*, unavailable)
    required init?(coder: NSCoder) {
        nil
    }

    override func layoutSubviews() {
        super.layoutSubviews()
        previewLayer.frame = bounds
    }
}
