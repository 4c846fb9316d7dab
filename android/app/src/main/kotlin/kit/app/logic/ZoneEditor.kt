package kit.app.logic

import kit.detector.tracking.Zone
import kotlin.math.hypot

/**
 * Zones while they are drawn with the finger. [open] are the corners of the polygon that is not closed yet. All points are
 * relative to the upright image; distances are in shares of its sides.
 */
data class ZoneEditor(val zones: List<Zone> = emptyList(), val open: List<Zone.Point> = emptyList()) {
    /** What a finger holds: corner [corner] of zone [zone], or the whole zone where it is null. */
    data class Grip(val zone: Int, val corner: Int?)

    /** A corner is added at [point]; a tap on the first one, within [reach], closes a polygon of three corners or more. */
    fun tap(point: Zone.Point, reach: Double): ZoneEditor {
        if (open.size >= FEWEST && (distance(open.first(), point) <= reach || open.size >= MOST_CORNERS)) return close()
        return copy(open = open + inImage(point))
    }

    /** The open polygon becomes a zone; one of fewer than three corners stays open. */
    fun close(): ZoneEditor = if (open.size < FEWEST) this else ZoneEditor(zones + Zone(freeName(), open))

    /** Without the last corner that was tapped. */
    fun undo(): ZoneEditor = copy(open = open.dropLast(1))

    /** What a finger at [point] takes hold of: the nearest corner within [reach], else the zone on top; null for nothing. */
    fun grip(point: Zone.Point, reach: Double): Grip? {
        val corners = zones.flatMapIndexed { zone, it -> it.points.mapIndexed { corner, at -> Grip(zone, corner) to distance(at, point) } }
        corners.filter { it.second <= reach }.minByOrNull { it.second }?.let { return it.first }
        val zone = zones.indexOfLast { it.contains(point) }
        return if (zone >= 0) Grip(zone, null) else null
    }

    /** What [grip] holds is moved by [x] and [y]. A zone keeps its shape and stays in the image, as does a corner. */
    fun move(grip: Grip, x: Double, y: Double): ZoneEditor {
        val zone = zones.getOrNull(grip.zone) ?: return this
        val corner = grip.corner
        val points = if (corner != null) {
            zone.points.mapIndexed { index, at -> if (index == corner) inImage(Zone.Point(at.x + x, at.y + y)) else at }
        } else {
            val right = x.coerceIn(-zone.points.minOf { it.x }, 1 - zone.points.maxOf { it.x })
            val down = y.coerceIn(-zone.points.minOf { it.y }, 1 - zone.points.maxOf { it.y })
            zone.points.map { inImage(Zone.Point(it.x + right, it.y + down)) }
        }
        return copy(zones = zones.mapIndexed { index, it -> if (index == grip.zone) zone.copy(points = points) else it })
    }

    /** Without the zone called [name]. */
    fun remove(name: String): ZoneEditor = copy(zones = zones.filter { it.name != name })

    private fun freeName(): String = generateSequence(1) { it + 1 }.map { "$it" }.first { name -> zones.none { it.name == name } }

    companion object {
        const val FEWEST = 3

        /** As many as a zone of `edk run` may have. */
        const val MOST_CORNERS = 64

        private fun distance(one: Zone.Point, other: Zone.Point): Double = hypot(one.x - other.x, one.y - other.y)

        private fun inImage(point: Zone.Point) = Zone.Point(point.x.coerceIn(0.0, 1.0), point.y.coerceIn(0.0, 1.0))
    }
}
