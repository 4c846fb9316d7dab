/// Maps boxes from an image to a view that the image fills (aspect fill): scaled with its aspect ratio kept, centered
/// and cropped.
public struct Viewport: Hashable, Sendable {
    private let imageWidth: Double
    private let scale: Double
    private let left: Double
    private let top: Double
    private let isMirrored: Bool

    /// - Parameters:
    ///   - imageWidth: Width of the upright image in pixels, as `imageHeight`.
    ///   - viewWidth: Width of the view in points, as `viewHeight`.
    ///   - isMirrored: Whether the view is flipped horizontally, as for a front camera.
    public init(
        imageWidth: Int, imageHeight: Int, viewWidth: Double, viewHeight: Double, isMirrored: Bool = false
    ) {
        let (width, height) = (Double(max(imageWidth, 1)), Double(max(imageHeight, 1)))
        self.imageWidth = width
        self.isMirrored = isMirrored
        scale = max(viewWidth / width, viewHeight / height)
        left = (viewWidth - width * scale) / 2
        top = (viewHeight - height * scale) / 2
    }

    /// Converts a box from pixels of the image to points of the view.
    public func toView(_ box: Box) -> Box {
        let (from, to) = isMirrored ? (imageWidth - box.xmax, imageWidth - box.xmin) : (box.xmin, box.xmax)
        return Box(
            xmin: left + from * scale, ymin: top + box.ymin * scale, xmax: left + to * scale,
            ymax: top + box.ymax * scale)
    }
}
