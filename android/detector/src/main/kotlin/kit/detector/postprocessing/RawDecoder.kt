package kit.detector.postprocessing

import kit.detector.engine.Tensor
import kit.detector.model.RawHead
import kotlin.math.exp

/**
 * Decodes box codes and class logits by the rules of versions 2 and 3 of `runtime/model/raw_head.py`.
 *
 * Only the pairs of anchor and class that reach the threshold, some dozens of a million, are dequantized, decoded and
 * passed to non-maximum suppression.
 */
internal class RawDecoder(private val head: RawHead) : Postprocessor {
    private val columns = head.first + head.classes

    // Kept from frame to frame: at a threshold of 0 there is one for each logit.
    private val reached = Reached()

    /** [raw] are the box codes (1, A, 4) or (1, A, 4 * bins) and the logits (1, A, F + C). Returns nothing if the sizes differ. */
    override fun decode(raw: List<Tensor>, minScore: Float): List<RawDetection> {
        if (raw.size != 2) return emptyList()
        val codes = RawOutput.of(raw[0]) ?: return emptyList()
        val logits = RawOutput.of(raw[1]) ?: return emptyList()
        if (codes.size != head.codeSize * head.anchorCount || logits.size != columns * head.anchorCount) return emptyList()
        val least = maxOf(minScore, head.score)
        // Boxes are suppressed by those with higher scores only, so that leaving out low ones early changes nothing.
        reached.fill(logits, least, columns, head.first)
        val kept = ArrayList<RawDetection>()
        val apart = ArrayList<Sides>()
        for (place in 0 until minOf(reached.count, head.candidates)) {
            val index = reached[place]
            val score = logits.score(index)
            if (!(score >= least)) break
            val classId = index % columns - head.first
            val anchor = index / columns
            val sides = if (head.bins > 0) sidesOfDistributions(codes, anchor) else sides(codes, anchor)
            val cut = apart(sides, classId)
            if (apart.indices.any { kept[it].classId == classId && cut.overlaps(apart[it], head.iou) }) continue
            kept += RawDetection(classId, score, sides)
            apart += cut
            if (kept.size == head.detections) break
        }
        return kept
    }

    private fun sides(codes: RawOutput, anchor: Int): Sides {
        val at = 4 * anchor
        val anchors = head.anchors
        val y = codes.value(at) / head.scales[0] * anchors[at + 2] + anchors[at]
        val x = codes.value(at + 1) / head.scales[1] * anchors[at + 3] + anchors[at + 1]
        val halfHeight = exp(codes.value(at + 2) / head.scales[2]) * (anchors[at + 2] / 2)
        val halfWidth = exp(codes.value(at + 3) / head.scales[3]) * (anchors[at + 3] / 2)
        return Sides(y - halfHeight, x - halfWidth, y + halfHeight, x + halfWidth)
    }

    private fun sidesOfDistributions(codes: RawOutput, anchor: Int): Sides {
        val at = 4 * anchor
        val anchors = head.anchors
        val left = distance(codes, at)
        val top = distance(codes, at + 1)
        val right = distance(codes, at + 2)
        val bottom = distance(codes, at + 3)
        val y = (bottom - top) / 2 * anchors[at + 2] + anchors[at]
        val x = (right - left) / 2 * anchors[at + 3] + anchors[at + 1]
        val halfHeight = (top + bottom) * (anchors[at + 2] / 2)
        val halfWidth = (left + right) * (anchors[at + 3] / 2)
        return Sides(y - halfHeight, x - halfWidth, y + halfHeight, x + halfWidth)
    }

    /** The expected bin of distribution [index], of which there are four for each anchor. */
    private fun distance(codes: RawOutput, index: Int): Float {
        val start = index * head.bins
        var highest = codes.value(start)
        for (bin in 1 until head.bins) highest = maxOf(highest, codes.value(start + bin))
        var total = 0f
        var moment = 0f
        for (bin in 0 until head.bins) {
            // In double, whose exp, once rounded, is the same everywhere.
            val weight = exp((codes.value(start + bin) - highest).toDouble()).toFloat()
            total += weight
            moment += bin * weight
        }
        return moment / total
    }

    /** [sides] for suppression: cut, and those of each class at a place of their own, which rounds them as in the file. */
    private fun apart(sides: Sides, classId: Int): Sides {
        val moved = classId * CLASS_STEP
        return Sides(cut(sides.ymin) + moved, cut(sides.xmin), cut(sides.ymax) + moved, cut(sides.xmax))
    }

    private fun cut(side: Float): Float = side.coerceIn(NEAREST, FARTHEST)

    private companion object {
        const val NEAREST = -1f
        const val FARTHEST = 2f
        const val CLASS_STEP = 4f
    }
}

/** The indices of logits that reach a threshold: the highest logit first, equal ones by rising index. */
private class Reached {
    private var keys = LongArray(256)
    var count = 0
        private set

    /** The index at [place]. */
    operator fun get(place: Int): Int = keys[place].toInt()

    /** Takes the logits with scores of about [minScore] or more, in rows of [columns], from column [first] on. */
    fun fill(logits: RawOutput, minScore: Float, columns: Int, first: Int) {
        count = 0
        logits.eachReaching(minScore) { index ->
            if (first == 0 || index % columns >= first) {
                if (count == keys.size) keys = keys.copyOf(2 * count)
                // The inverse falls where the logit rises.
                keys[count++] = (logits.rank(index).inv().toLong() shl 32) or index.toLong()
            }
        }
        keys.sort(0, count)
    }
}
