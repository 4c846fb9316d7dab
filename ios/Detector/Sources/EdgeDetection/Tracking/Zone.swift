/// A part of the image in which objects are counted: a polygon, which moves with the image when it is scaled.
public struct Zone: Hashable, Codable, Sendable, Identifiable {
    /// A point relative to the upright image: (0, 0) is its top left corner, (1, 1) the bottom right one.
    public struct Point: Hashable, Codable, Sendable {
        public let x: Double
        public let y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    public let name: String
    public let points: [Point]

    public var id: String { name }

    /// `points` are the corners in order; fewer than three contain nothing.
    public init(name: String, points: [Point]) {
        self.name = name
        self.points = points
    }

    /// A rectangle from two opposite corners.
    public init(name: String, from one: Point, to other: Point) {
        let (left, right) = (min(one.x, other.x), max(one.x, other.x))
        let (top, bottom) = (min(one.y, other.y), max(one.y, other.y))
        self.init(
            name: name,
            points: [Point(x: left, y: top), Point(x: right, y: top), Point(x: right, y: bottom), Point(x: left, y: bottom)])
    }

    /// Whether the object in `box` stands in the zone: the middle of the box's lower edge counts.
    public func contains(_ box: Box, in size: ImageSize) -> Bool {
        guard size.width > 0, size.height > 0 else { return false }
        return contains(Point(x: (box.xmin + box.xmax) / 2 / Double(size.width), y: box.ymax / Double(size.height)))
    }

    /// The number of objects in the zone.
    public func count(_ result: DetectionResult) -> Int {
        result.detections.count { contains($0.box, in: result.imageSize) }
    }

    /// The number of objects in the zone by their class names; classes without objects are left out.
    public func counts(_ result: DetectionResult) -> [String: Int] {
        let inside = result.detections.filter { contains($0.box, in: result.imageSize) }
        return Dictionary(inside.map { ($0.label, 1) }, uniquingKeysWith: +)
    }

    /// Whether a ray to the right crosses the border an odd number of times.
    func contains(_ point: Point) -> Bool {
        guard points.count > 2 else { return false }
        var isInside = false
        var last = points[points.count - 1]
        for next in points {
            if (next.y > point.y) != (last.y > point.y),
                point.x < next.x + (last.x - next.x) * (point.y - next.y) / (last.y - next.y) {
                isInside.toggle()
            }
            last = next
        }
        return isInside
    }
}
