package kit.detector.tracking

import kit.detector.Box
import kit.detector.Detection

/**
 * Gives objects numbers that they keep from frame to frame.
 *
 * A box continues the object whose predicted box it overlaps most; objects are predicted to move on as they did. An object
 * keeps its number when its class changes, since detectors alternate between similar classes. Not thread-safe.
 *
 * [lostSeconds] is how long an object may be out of sight and keep its number. [minIou] is the least intersection over
 * union, in 0..1, of a box and an object's predicted box.
 */
public class ObjectTracker(private val lostSeconds: Double = 1.0, private val minIou: Double = 0.25) {
    private var tracks = mutableListOf<Track>()
    private var lastNumber = 0
    private var lastTime = Double.NEGATIVE_INFINITY

    /**
     * The [detections] of a frame at [time], in seconds, with their `track` set. Numbers start at 1 and are not used again.
     * Where times start again, so do the objects.
     */
    public fun update(detections: List<Detection>, time: Double): List<Detection> {
        if (time < lastTime) tracks.clear()
        lastTime = time
        tracks.removeAll { time - it.seen > lostSeconds }
        val numbers = match(detections, time)
        return detections.mapIndexed { index, detection ->
            val number = numbers[index] ?: (++lastNumber).also { tracks += Track(it, detection.box, time) }
            detection.copy(track = number)
        }
    }

    /** The number of each detection that continues an object, which is moved there. Pairs that overlap most come first. */
    private fun match(detections: List<Detection>, time: Double): Map<Int, Int> {
        val pairs = tracks.flatMap { track ->
            val predicted = track.predicted(time)
            detections.mapIndexed { index, detection -> Pairing(iou(detection.box, predicted), index, track) }
        }
        val numbers = mutableMapOf<Int, Int>()
        val continued = mutableSetOf<Int>()
        for (pair in pairs.filter { it.iou >= minIou }.sortedWith(compareBy({ -it.iou }, { it.detection }, { it.track.number }))) {
            if (pair.detection in numbers || !continued.add(pair.track.number)) continue
            numbers[pair.detection] = pair.track.number
            pair.track.move(detections[pair.detection].box, time)
        }
        return numbers
    }

    private class Pairing(val iou: Double, val detection: Int, val track: Track)

    /** An object: its last box, and its velocity in pixels a second. */
    private class Track(val number: Int, private var box: Box, var seen: Double) {
        private var right = 0.0
        private var down = 0.0

        fun predicted(time: Double): Box {
            val x = right * (time - seen)
            val y = down * (time - seen)
            return Box(box.xmin + x, box.ymin + y, box.xmax + x, box.ymax + y)
        }

        fun move(next: Box, time: Double) {
            val seconds = time - seen
            if (seconds > 0) {
                // Half of the old velocity, since single boxes jitter.
                right = (right + (next.xmin + next.xmax - box.xmin - box.xmax) / 2 / seconds) / 2
                down = (down + (next.ymin + next.ymax - box.ymin - box.ymax) / 2 / seconds) / 2
            }
            box = next
            seen = time
        }
    }
}

/** The intersection over union of two boxes, in 0..1; 0 if both are empty. */
internal fun iou(one: Box, other: Box): Double {
    val shared = Box(maxOf(one.xmin, other.xmin), maxOf(one.ymin, other.ymin), minOf(one.xmax, other.xmax), minOf(one.ymax, other.ymax)).area
    val union = one.area + other.area - shared
    return if (union > 0) shared / union else 0.0
}
