/// A rectangle in pixels of the upright image it was found in; (0, 0) is the top left corner.
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

    /// Square pixels; 0 where the box is empty or turned inside out.
    public var area: Double { max(width, 0) * max(height, 0) }
}
