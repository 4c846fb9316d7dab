/// Maps boxes from an image to a view that the image fills (aspect fill): scaled with its aspect ratio kept, centered
/// and cropped.
public struct Viewport: Hashable, Sendable {
    private let imageWidth: Double
    private let imageHeight: Double
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
        self.imageHeight = height
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

    /// Converts a point that is relative to the image, such as a corner of a `Zone`, to points of the view.
    public func toView(_ point: Zone.Point) -> (x: Double, y: Double) {
        let column = isMirrored ? 1 - point.x : point.x
        return (left + column * imageWidth * scale, top + point.y * imageHeight * scale)
    }

    /// Converts a point of the view to one relative to the image, such as a corner of a `Zone`. Points outside the image are
    /// moved to its edge.
    public func toImage(x: Double, y: Double) -> Zone.Point {
        func relative(_ position: Double, _ side: Double) -> Double { min(max(position / (scale * side), 0), 1) }
        let column = relative(x - left, imageWidth)
        return Zone.Point(x: isMirrored ? 1 - column : column, y: relative(y - top, imageHeight))
    }
}
