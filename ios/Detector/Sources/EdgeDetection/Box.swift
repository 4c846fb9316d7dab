/// A box as xmin, ymin, xmax, ymax in pixels of the upright image; (0, 0) is the top left corner of the image.
public struct Box: Hashable, Sendable {
    public let xmin: Double
    public let ymin: Double
    public let xmax: Double
    public let ymax: Double

    public init(xmin: Double, ymin: Double, xmax: Double, ymax: Double) {
        self.xmin = xmin
        self.ymin = ymin
        self.xmax = xmax
        self.ymax = ymax
    }

    public var width: Double { xmax - xmin }
    public var height: Double { ymax - ymin }

    /// Area in square pixels; 0 if the box is empty or inverted.
    public var area: Double { max(width, 0) * max(height, 0) }
}
