package kit.detector

import kotlin.math.exp
import kotlin.math.ln

/**
 * From box codes and class logits to detections: what the operation inside other files does.
 *
 * The rules are stated in `runtime/raw_head.py`. Only anchors that reach the threshold are
 * dequantised, decoded and suppressed: some dozens of 12,804.
 */
internal class RawDecoder(private val head: RawHead, private val labels: Labels) : Postprocessor {
    private val columns = head.first + head.classes

    /** [raw] are the codes [1, A, 4] and the logits [1, A, F + C]; nothing is found where they have other sizes. */
    override fun detections(raw: List<Tensor>, width: Int, height: Int, least: Double): List<Detection> {
        if (raw.size != 2) return emptyList()
        val codes = Stored.of(raw[0]) ?: return emptyList()
        val logits = Stored.of(raw[1]) ?: return emptyList()
        if (codes.size != 4 * head.anchorCount || logits.size != columns * head.anchorCount) return emptyList()
        return kept(codes, candidates(logits, maxOf(least.toFloat(), head.score))).filter(Candidate::isFinite).map { found ->
            val sides = FloatArray(4) { found.sides[LEFT_TOP_RIGHT_BOTTOM[it]].coerceIn(0f, 1f) }
            Detection(labels[found.classId], found.classId, found.score.toDouble(), Box.relative(sides, width, height))
        }
    }

    private fun kept(codes: Stored, candidates: List<Candidate>): List<Candidate> {
        val kept = ArrayList<Candidate>()
        for (candidate in candidates) {
            candidate.sides = sides(codes, candidate.anchor)
            if (kept.none { candidate.overlaps(it, head.iou) }) kept += candidate
            if (kept.size == head.detections) break
        }
        return kept
    }

    /** Anchors whose best class reaches [least], by falling score, equal ones in their order. */
    private fun candidates(logits: Stored, least: Float): List<Candidate> {
        val found = ArrayList<Candidate>()
        logits.eachRowReaching(least, columns, head.first) { anchor ->
            val start = anchor * columns + head.first
            var best = 0
            for (classId in 1 until head.classes) {
                if (logits.score(start + classId) > logits.score(start + best)) best = classId
            }
            val score = logits.score(start + best)
            if (score >= least) found += Candidate(anchor, best, score)
        }
        return found.sortedByDescending(Candidate::score)
    }

    /** ymin, xmin, ymax, xmax: in double with float between centre and half, as the operation does it. */
    private fun sides(codes: Stored, anchor: Int): FloatArray {
        fun code(index: Int) = codes.real(4 * anchor + index).toDouble() / head.scales[index]
        fun place(index: Int) = head.anchors[4 * anchor + index].toDouble()
        val y = (code(0) * place(2) + place(0)).toFloat()
        val x = (code(1) * place(3) + place(1)).toFloat()
        val halfHeight = (0.5 * exp(code(2)) * place(2)).toFloat()
        val halfWidth = (0.5 * exp(code(3)) * place(3)).toFloat()
        return floatArrayOf(y - halfHeight, x - halfWidth, y + halfHeight, x + halfWidth)
    }

    private class Candidate(val anchor: Int, val classId: Int, val score: Float) {
        var sides = FloatArray(4)

        val isFinite: Boolean get() = sides.all { it.isFinite() }
        private val area: Float get() = (sides[2] - sides[0]) * (sides[3] - sides[1])

        /** Boxes without area overlap nothing. */
        fun overlaps(other: Candidate, iou: Float): Boolean {
            if (!(area > 0) || !(other.area > 0)) return false
            val height = maxOf(minOf(sides[2], other.sides[2]) - maxOf(sides[0], other.sides[0]), 0f)
            val width = maxOf(minOf(sides[3], other.sides[3]) - maxOf(sides[1], other.sides[1]), 0f)
            val shared = height * width
            return shared / (other.area + area - shared) > iou
        }
    }

    private companion object {
        val LEFT_TOP_RIGHT_BOTTOM = intArrayOf(1, 0, 3, 2)
    }
}

/** A raw output as it is stored. */
private sealed class Stored(val size: Int) {
    abstract fun real(index: Int): Float

    abstract fun score(index: Int): Float

    /** Calls [body] once for each row of [columns] values that has a score of about [least] in its columns [from] on. */
    abstract fun eachRowReaching(least: Float, columns: Int, from: Int, body: (Int) -> Unit)

    companion object {
        /** Null for types that raw heads don't have. */
        fun of(tensor: Tensor): Stored? = when (tensor.port.type) {
            TensorType.FLOAT32 -> StoredFloats(tensor.floats())
            TensorType.UINT8, TensorType.INT8 -> StoredBytes(tensor)
            else -> null
        }

        fun sigmoid(logit: Float): Float = (1 / (1 + exp(-logit.toDouble()))).toFloat()
    }
}

private class StoredFloats(private val values: FloatArray) : Stored(values.size) {
    override fun real(index: Int) = values[index]

    override fun score(index: Int) = sigmoid(values[index])

    override fun eachRowReaching(least: Float, columns: Int, from: Int, body: (Int) -> Unit) {
        val threshold = when {
            least <= 0 -> Float.NEGATIVE_INFINITY
            least < 1 -> ln(least / (1 - least)) - MARGIN
            else -> Float.POSITIVE_INFINITY
        }
        for (row in 0 until size / columns) {
            for (index in row * columns + from until (row + 1) * columns) {
                if (values[index] >= threshold) {
                    body(row)
                    break
                }
            }
        }
    }

    private companion object {
        // Logits are compared with the threshold's own logit a little lower, and scores again after it.
        const val MARGIN = 1e-3f
    }
}

private class StoredBytes(tensor: Tensor) : Stored(tensor.bytes.limit()) {
    private val port = tensor.port
    private val values = tensor.bytes.toArray()

    // Stored bytes count from here.
    private val lowest = if (port.type == TensorType.INT8) -128 else 0

    // The score of each value that can be stored, from the lowest one on.
    private val scores = FloatArray(256) { step ->
        val rounded = Math.rint((STEPS * sigmoid(port.real(step + lowest))).toDouble()).toFloat()
        minOf(rounded, STEPS - 1) / STEPS
    }

    override fun real(index: Int) = port.real(stored(index))

    override fun score(index: Int) = scores[stored(index) - lowest]

    override fun eachRowReaching(least: Float, columns: Int, from: Int, body: (Int) -> Unit) {
        // Where no score reaches it, the highest there is: scores are compared again after it.
        val place = scores.indexOfFirst { it >= least }
        val threshold = lowest + if (place < 0) scores.size - 1 else place
        for (row in 0 until size / columns) {
            for (index in row * columns + from until (row + 1) * columns) {
                if (stored(index) >= threshold) {
                    body(row)
                    break
                }
            }
        }
    }

    private fun stored(index: Int): Int = if (lowest < 0) values[index].toInt() else values[index].toInt() and 0xFF

    private companion object {
        // The interpreter's LOGISTIC has a fixed output scale (TFLite 8-bit quantisation specification).
        const val STEPS = 256f
    }
}
