/// Where a picture lies in a view that it fills: scaled with its aspect kept, centred, and cut off where it is too long.
public struct Viewport: Hashable, Sendable {
    private let pictureWidth: Double
    private let scale: Double
    private let left: Double
    private let top: Double
    private let isMirrored: Bool

    /// - Parameter isMirrored: whether the view shows left and right exchanged, as for a front camera.
    public init(
        pictureWidth: Int, pictureHeight: Int, viewWidth: Double, viewHeight: Double, isMirrored: Bool = false
    ) {
        let (width, height) = (Double(max(pictureWidth, 1)), Double(max(pictureHeight, 1)))
        self.pictureWidth = width
        self.isMirrored = isMirrored
        scale = max(viewWidth / width, viewHeight / height)
        left = (viewWidth - width * scale) / 2
        top = (viewHeight - height * scale) / 2
    }

    /// A box in pixels of the picture, in points of the view.
    public func place(_ box: Box) -> Box {
        let (from, to) = isMirrored ? (pictureWidth - box.xmax, pictureWidth - box.xmin) : (box.xmin, box.xmax)
        return Box(
            xmin: left + from * scale, ymin: top + box.ymin * scale, xmax: left + to * scale,
            ymax: top + box.ymax * scale)
    }
}
