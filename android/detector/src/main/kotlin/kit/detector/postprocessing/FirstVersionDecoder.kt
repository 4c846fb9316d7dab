package kit.detector.postprocessing

import kit.detector.engine.Tensor
import kit.detector.model.RawHead
import kotlin.math.exp

/**
 * Decodes box codes and class logits by the rules of version 1 of `runtime/model/raw_head.py`, as the detection
 * post-processing operator does in other files.
 *
 * Only anchors that reach the threshold are dequantized, decoded and passed to non-maximum suppression: some dozens of
 * 12,804.
 */
internal class FirstVersionDecoder(private val head: RawHead) : Postprocessor {
    private val columns = head.first + head.classes

    /** [raw] are the box codes (1, A, 4) and the logits (1, A, F + C). Returns nothing if the sizes differ. */
    override fun decode(raw: List<Tensor>, minScore: Float): List<RawDetection> {
        if (raw.size != 2) return emptyList()
        val codes = RawOutput.of(raw[0]) ?: return emptyList()
        val logits = RawOutput.of(raw[1], ::in256Steps) ?: return emptyList()
        if (codes.size != 4 * head.anchorCount || logits.size != columns * head.anchorCount) return emptyList()
        val kept = ArrayList<RawDetection>()
        for (candidate in candidates(logits, maxOf(minScore, head.score))) {
            val sides = sides(codes, candidate.anchor)
            if (kept.none { sides.overlaps(it.sides, head.iou) }) kept += RawDetection(candidate.classId, candidate.score, sides)
            if (kept.size == head.detections) break
        }
        return kept
    }

    /** Anchors whose best class reaches [minScore], by falling score, ties in anchor order. */
    private fun candidates(logits: RawOutput, minScore: Float): List<Candidate> {
        val candidates = ArrayList<Candidate>()
        var last = -1
        logits.eachReaching(minScore) { index ->
            val anchor = index / columns
            if (anchor != last && index % columns >= head.first) {
                last = anchor
                val best = best(logits, anchor)
                if (best.score >= minScore) candidates += best
            }
        }
        return candidates.sortedByDescending(Candidate::score)
    }

    private fun best(logits: RawOutput, anchor: Int): Candidate {
        val start = anchor * columns + head.first
        var best = 0
        for (classId in 1 until head.classes) {
            if (logits.score(start + classId) > logits.score(start + best)) best = classId
        }
        return Candidate(anchor, best, logits.score(start + best))
    }

    /** Computed in double with centers and half sizes rounded to float, as the operator does. */
    private fun sides(codes: RawOutput, anchor: Int): Sides {
        fun code(index: Int) = codes.value(4 * anchor + index).toDouble() / head.scales[index]
        fun anchorValue(index: Int) = head.anchors[4 * anchor + index].toDouble()
        val y = (code(0) * anchorValue(2) + anchorValue(0)).toFloat()
        val x = (code(1) * anchorValue(3) + anchorValue(1)).toFloat()
        val halfHeight = (0.5 * exp(code(2)) * anchorValue(2)).toFloat()
        val halfWidth = (0.5 * exp(code(3)) * anchorValue(3)).toFloat()
        return Sides(y - halfHeight, x - halfWidth, y + halfHeight, x + halfWidth)
    }

    private class Candidate(val anchor: Int, val classId: Int, val score: Float)

    private companion object {
        // The interpreter's LOGISTIC has a fixed output scale (TFLite 8-bit quantization specification).
        const val STEPS = 256f

        fun in256Steps(score: Float): Float = minOf(Math.rint((STEPS * score).toDouble()).toFloat(), STEPS - 1) / STEPS
    }
}
