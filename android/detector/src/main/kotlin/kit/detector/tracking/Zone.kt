package kit.detector.tracking

import kit.detector.Box
import kit.detector.DetectionResult
import kit.detector.ImageSize

/**
 * A part of the image in which objects are counted: a polygon, which moves with the image when that is scaled.
 *
 * @property name the name to show to users.
 * @property points the corners in order; fewer than three contain nothing.
 */
public data class Zone(val name: String, val points: List<Point>) {
    /** A point relative to the upright image: (0, 0) is its top left corner, (1, 1) the bottom right one. */
    public data class Point(val x: Double, val y: Double)

    /**
     * Whether the object in [box] stands in the zone: the middle of the box's lower edge counts, as in Python (`runtime.zones`).
     *
     * A box that reaches beyond the image counts as standing in the middle of the outermost pixels.
     */
    public fun contains(box: Box, size: ImageSize): Boolean {
        if (points.size < 3) return false
        val x = minOf(maxOf(box.xmin + 0.5 * box.width, 0.5), size.width - 0.5)
        val y = minOf(maxOf(box.ymin + box.height, 0.5), size.height - 0.5)
        return isInside(x, y, points.map { Point(it.x * size.width, it.y * size.height) })
    }

    /** The number of objects in the zone. */
    public fun count(result: DetectionResult): Int = result.detections.count { contains(it.box, result.imageSize) }

    /** The number of objects in the zone of each class that is there, by label: the most frequent one first. */
    public fun countByLabel(result: DetectionResult): Map<String, Int> {
        val counts = result.detections.filter { contains(it.box, result.imageSize) }.groupingBy { it.label }.eachCount()
        return counts.entries.sortedWith(compareBy({ -it.value }, { it.key })).associate { it.key to it.value }
    }

    /** Whether [point], relative to the image like the corners, lies in the zone. */
    public fun contains(point: Point): Boolean = points.size >= 3 && isInside(point.x, point.y, points)

    public companion object {
        /** A rectangle from two opposite corners. */
        public fun rectangle(name: String, one: Point, other: Point): Zone =
            Zone(name, listOf(one, Point(other.x, one.y), other, Point(one.x, other.y)))
    }
}

/** The rule of even and odd, https://en.wikipedia.org/wiki/Even-odd_rule, with the same rounding as in Python. */
private fun isInside(x: Double, y: Double, corners: List<Zone.Point>): Boolean {
    var isInside = false
    for ((index, from) in corners.withIndex()) {
        val to = corners[(index + 1) % corners.size]
        val isCrossed = (from.y > y) != (to.y > y)
        if (isCrossed && x < from.x + (y - from.y) * (to.x - from.x) / (to.y - from.y)) isInside = !isInside
    }
    return isInside
}
