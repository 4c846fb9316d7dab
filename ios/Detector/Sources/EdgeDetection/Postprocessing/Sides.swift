/// A box as ymin, xmin, ymax, xmax relative to the image; the values may lie outside 0...1 or not be numbers.
struct Sides: Equatable {
    let ymin: Float
    let xmin: Float
    let ymax: Float
    let xmax: Float

    private var area: Float { (ymax - ymin) * (xmax - xmin) }

    var isFinite: Bool { ymin.isFinite && xmin.isFinite && ymax.isFinite && xmax.isFinite }

    /// Whether the intersection over union is above `iou`; false for boxes without area.
    func overlaps(_ other: Sides, by iou: Float) -> Bool {
        guard area > 0, other.area > 0 else { return false }
        let height = max(min(ymax, other.ymax) - max(ymin, other.ymin), 0)
        let width = max(min(xmax, other.xmax) - max(xmin, other.xmin), 0)
        let shared = height * width
        return shared / (other.area + area - shared) > iou
    }
}
