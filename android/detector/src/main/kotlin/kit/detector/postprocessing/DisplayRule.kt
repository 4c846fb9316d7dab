package kit.detector.postprocessing

import kit.detector.Box
import kit.detector.Detection
import kit.detector.Labels

/**
 * Chooses which of the objects that a model found are given, and makes detections of them.
 *
 * A model may find one place as several classes, each with the very same box. Only the class with the highest score is
 * given, unless [allLabels]. With [agnosticIou], of two boxes whose intersection over union is above it, whatever their
 * classes, only the one with the higher score is given.
 */
internal class DisplayRule(private val allLabels: Boolean, private val agnosticIou: Double?) {
    /**
     * The detections in an upright image of [width] x [height] pixels, with the highest score first and ties in the
     * order of [found].
     */
    fun detections(found: List<Found>, labels: Labels, width: Int, height: Int): List<Detection> {
        var given = found.filter { it.sides.isFinite }.sortedByDescending(Found::score)
        if (!allLabels) given = firsts(given) { one, other -> one.equalTo(other) }
        if (agnosticIou != null) {
            val iou = agnosticIou.toFloat()
            given = firsts(given) { one, other -> one.overlaps(other, iou) }
        }
        return given.map { one ->
            val sides = floatArrayOf(one.sides.xmin, one.sides.ymin, one.sides.xmax, one.sides.ymax)
            for (index in sides.indices) sides[index] = sides[index].coerceIn(0f, 1f)
            Detection(labels[one.classId], one.classId, one.score.toDouble(), Box.relative(sides, width, height))
        }
    }

    /** Those of [given] for which [hides] holds with none that was kept before. */
    private inline fun firsts(given: List<Found>, hides: (Sides, Sides) -> Boolean): List<Found> {
        val kept = ArrayList<Found>(given.size)
        for (one in given) {
            if (kept.none { hides(one.sides, it.sides) }) kept += one
        }
        return kept
    }
}
