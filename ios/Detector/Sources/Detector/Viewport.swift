/// Where an image lies in a view that it fills: scaled with its aspect kept, centered, and cut off where it is too long.
public struct Viewport: Hashable, Sendable {
    private let imageWidth: Double
    private let scale: Double
    private let left: Double
    private let top: Double
    private let isMirrored: Bool

    /// - Parameter isMirrored: whether the view shows left and right exchanged, as for a front camera.
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

    /// A box in pixels of the image, in points of the view.
    public func place(_ box: Box) -> Box {
        let (from, to) = isMirrored ? (imageWidth - box.xmax, imageWidth - box.xmin) : (box.xmin, box.xmax)
        return Box(
            xmin: left + from * scale, ymin: top + box.ymin * scale, xmax: left + to * scale,
            ymax: top + box.ymax * scale)
    }
}
