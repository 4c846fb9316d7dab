/// The corners of a `Zone` while a user draws or changes it with a finger.
///
/// - A tap adds a corner. A finger that moves over the empty image draws an outline, of which the corners are kept.
/// - A corner is moved by its finger. A touch on an edge makes a new corner there.
/// - The corner that was touched last is selected, and can be removed.
///
/// Positions are in points of the view; `viewport` says where the image is in it.
public struct ZoneDraft: Hashable, Sendable {
    public private(set) var points: [Zone.Point]
    /// The index of the corner that was touched last; nil if there is none.
    public private(set) var selected: Int?

    /// How far a finger may be from a corner or an edge to touch it, in points of the view: half of the 44 points that
    /// Apple's Human Interface Guidelines ask of controls.
    public static let reach = 22.0
    private enum Touch: Hashable {
        case none
        case corner(Int)
        case path([SIMD2<Double>])
    }

    private var touch = Touch.none

    /// Begins with the corners of `zone`, or with none.
    public init(_ zone: Zone? = nil) {
        points = zone?.points ?? []
    }

    /// Whether the corners are enough for a zone.
    public var isComplete: Bool { points.count > 2 }

    /// A finger touches the view.
    public mutating func press(x: Double, y: Double, in viewport: Viewport) {
        let finger = SIMD2(x, y)
        let corners = points.map { viewport.position($0) }
        if let near = nearest(corners.map { ($0 - finger).length }) {
            selected = near
            touch = .corner(near)
        } else if isComplete, let edge = nearest(edges(corners).map { distance(finger, $0.from, $0.to) }) {
            points.insert(viewport.toImage(x: x, y: y), at: edge + 1)
            selected = edge + 1
            touch = .corner(edge + 1)
        } else {
            touch = .path([finger])
        }
    }

    /// The finger moves.
    public mutating func move(x: Double, y: Double, in viewport: Viewport) {
        switch touch {
        case .none:
            break
        case .corner(let index):
            points[index] = viewport.toImage(x: x, y: y)
        case .path(let path):
            touch = .path(path + [SIMD2(x, y)])
        }
    }

    /// The finger leaves the view.
    public mutating func release(in viewport: Viewport) {
        defer { touch = .none }
        guard case .path(let path) = touch, let start = path.first, let end = path.last else { return }
        let isTap = path.allSatisfy { ($0 - start).length <= tolerance }
        if !isTap, points.isEmpty {
            let outline = simplified(path)
            // A line encloses nothing.
            guard outline.count > 2 else { return }
            points = outline.map { viewport.toImage(x: $0.x, y: $0.y) }
            selected = nil
        } else {
            points.append(viewport.toImage(x: end.x, y: end.y))
            selected = points.count - 1
        }
    }

    /// Removes the corner that is selected.
    public mutating func removeSelected() {
        guard let selected, touch == .none else { return }
        points.remove(at: selected)
        self.selected = nil
    }

    private func nearest(_ distances: [Double]) -> Int? {
        distances.indices.filter { distances[$0] <= ZoneDraft.reach }.min { distances[$0] < distances[$1] }
    }
}

/// How far a finger may move in a tap, and an outline be from the edges that stand for it, in points of the view.
private let tolerance = 8.0

/// The edges of a closed polygon; edge i begins at corner i.
private func edges(_ corners: [SIMD2<Double>]) -> [(from: SIMD2<Double>, to: SIMD2<Double>)] {
    corners.indices.map { (corners[$0], corners[($0 + 1) % corners.count]) }
}

/// The corners of a closed outline: its line without the points that lie next to the edges between others, by Ramer,
/// Douglas and Peucker's algorithm.
private func simplified(_ path: [SIMD2<Double>]) -> [SIMD2<Double>] {
    guard let start = path.first, let end = path.last else { return [] }
    var corners = [start] + inner(path[...]) + [end]
    if (end - start).length <= ZoneDraft.reach {
        corners.removeLast()
    }
    return corners
}

/// The corners between the first and the last point of `path`.
private func inner(_ path: ArraySlice<SIMD2<Double>>) -> [SIMD2<Double>] {
    guard path.count > 2, let start = path.first, let end = path.last else { return [] }
    let distances = path.map { distance($0, start, end) }
    guard let farthest = distances.indices.max(by: { distances[$0] < distances[$1] }), distances[farthest] > tolerance else {
        return []
    }
    let middle = path.startIndex + farthest
    return inner(path[...middle]) + [path[middle]] + inner(path[middle...])
}

/// The distance of a point to the line from `start` to `end`.
private func distance(_ point: SIMD2<Double>, _ start: SIMD2<Double>, _ end: SIMD2<Double>) -> Double {
    let (line, way) = (end - start, point - start)
    let square = (line * line).sum()
    let share = square > 0 ? min(max((line * way).sum() / square, 0), 1) : 0
    return (way - share * line).length
}

extension SIMD2<Double> {
    fileprivate var length: Double { (self * self).sum().squareRoot() }
}

extension Viewport {
    fileprivate func position(_ point: Zone.Point) -> SIMD2<Double> {
        let place = toView(point)
        return SIMD2(place.x, place.y)
    }
}
