package kit.detector.postprocessing

import kit.detector.Box
import kit.detector.Detection
import kit.detector.DetectorOptions
import kit.detector.Labels

/**
 * Chooses which of the objects that a model found are given, and makes detections of them.
 *
 * Classes that [isGiven] refuses are left out before all else, so that they hide no others. For the rest see
 * [DetectorOptions].
 */
internal class DisplayRule(private val options: DetectorOptions, private val isGiven: (Int) -> Boolean) {
    /**
     * The detections in an upright image of [width] x [height] pixels, with the highest score first and ties in the
     * order of [found].
     */
    fun detections(found: List<RawDetection>, labels: Labels, width: Int, height: Int): List<Detection> {
        var given = found.filter { it.sides.isFinite && isGiven(it.classId) }.sortedByDescending(RawDetection::score)
        if (!options.allLabels) given = firsts(given) { one, other -> one.equalTo(other) }
        options.agnosticIou?.let { agnosticIou ->
            val iou = agnosticIou.toFloat()
            given = firsts(given) { one, other -> one.overlaps(other, iou) }
        }
        return given.take(options.maxResults ?: given.size).map { one ->
            val sides = floatArrayOf(one.sides.xmin, one.sides.ymin, one.sides.xmax, one.sides.ymax)
            for (index in sides.indices) sides[index] = sides[index].coerceIn(0f, 1f)
            Detection(labels[one.classId], one.classId, one.score.toDouble(), Box.relative(sides, width, height))
        }
    }

    /** Those of [given] for which [hides] holds with none that was kept before. */
    private inline fun firsts(given: List<RawDetection>, hides: (Sides, Sides) -> Boolean): List<RawDetection> {
        val kept = ArrayList<RawDetection>(given.size)
        for (one in given) {
            if (kept.none { hides(one.sides, it.sides) }) kept += one
        }
        return kept
    }
}
