package kit.detector.postprocessing

import kit.detector.Box
import kit.detector.Detection
import kit.detector.Labels
import kit.detector.engine.Tensor
import kit.detector.engine.TensorType
import kit.detector.model.RawHead
import kit.detector.model.toArray
import kotlin.math.exp
import kotlin.math.ln

/**
 * Decodes box codes and class logits to detections, as the detection post-processing operator does in other files.
 *
 * `runtime/model/raw_head.py` specifies the rules. Only anchors that reach the threshold are dequantized, decoded and
 * passed to non-maximum suppression: some dozens of 12,804.
 */
internal class RawDecoder(private val head: RawHead, private val labels: Labels) : Postprocessor {
    private val columns = head.first + head.classes

    /** [raw] are the box codes (1, A, 4) and the logits (1, A, F + C). Returns no detections if the sizes differ. */
    override fun detections(raw: List<Tensor>, width: Int, height: Int, minScore: Double): List<Detection> {
        if (raw.size != 2) return emptyList()
        val codes = RawOutput.of(raw[0]) ?: return emptyList()
        val logits = RawOutput.of(raw[1]) ?: return emptyList()
        if (codes.size != 4 * head.anchorCount || logits.size != columns * head.anchorCount) return emptyList()
        return kept(codes, candidates(logits, maxOf(minScore.toFloat(), head.score))).filter(Candidate::isFinite).map { candidate ->
            val sides = FloatArray(4) { candidate.sides[LEFT_TOP_RIGHT_BOTTOM[it]].coerceIn(0f, 1f) }
            Detection(labels[candidate.classId], candidate.classId, candidate.score.toDouble(), Box.relative(sides, width, height))
        }
    }

    private fun kept(codes: RawOutput, candidates: List<Candidate>): List<Candidate> {
        val kept = ArrayList<Candidate>()
        for (candidate in candidates) {
            candidate.sides = sides(codes, candidate.anchor)
            if (kept.none { candidate.overlaps(it, head.iou) }) kept += candidate
            if (kept.size == head.detections) break
        }
        return kept
    }

    /** Anchors whose best class reaches [minScore], by falling score, ties in anchor order. */
    private fun candidates(logits: RawOutput, minScore: Float): List<Candidate> {
        val candidates = ArrayList<Candidate>()
        logits.eachRowReaching(minScore, columns, head.first) { anchor ->
            val start = anchor * columns + head.first
            var best = 0
            for (classId in 1 until head.classes) {
                if (logits.score(start + classId) > logits.score(start + best)) best = classId
            }
            val score = logits.score(start + best)
            if (score >= minScore) candidates += Candidate(anchor, best, score)
        }
        return candidates.sortedByDescending(Candidate::score)
    }

    /** ymin, xmin, ymax, xmax. Computed in double with centers and half sizes rounded to float, as the operator does. */
    private fun sides(codes: RawOutput, anchor: Int): FloatArray {
        fun code(index: Int) = codes.value(4 * anchor + index).toDouble() / head.scales[index]
        fun anchorValue(index: Int) = head.anchors[4 * anchor + index].toDouble()
        val y = (code(0) * anchorValue(2) + anchorValue(0)).toFloat()
        val x = (code(1) * anchorValue(3) + anchorValue(1)).toFloat()
        val halfHeight = (0.5 * exp(code(2)) * anchorValue(2)).toFloat()
        val halfWidth = (0.5 * exp(code(3)) * anchorValue(3)).toFloat()
        return floatArrayOf(y - halfHeight, x - halfWidth, y + halfHeight, x + halfWidth)
    }

    private class Candidate(val anchor: Int, val classId: Int, val score: Float) {
        var sides = FloatArray(4)

        val isFinite: Boolean get() = sides.all { it.isFinite() }
        private val area: Float get() = (sides[2] - sides[0]) * (sides[3] - sides[1])

        /** Whether the intersection over union is above [iou]; false for boxes without area. */
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

/** An output tensor as stored, float32 or quantized to 8 bits. */
private sealed class RawOutput(val size: Int) {
    abstract fun value(index: Int): Float

    abstract fun score(index: Int): Float

    /** Calls [body] for each row of [columns] values with a score of about [minScore] or more in column [from] or later. */
    abstract fun eachRowReaching(minScore: Float, columns: Int, from: Int, body: (Int) -> Unit)

    companion object {
        /** Null for types that raw heads do not use. */
        fun of(tensor: Tensor): RawOutput? = when (tensor.port.type) {
            TensorType.FLOAT32 -> FloatOutput(tensor.floats())
            TensorType.UINT8, TensorType.INT8 -> QuantizedOutput(tensor)
            else -> null
        }

        fun sigmoid(logit: Float): Float = (1 / (1 + exp(-logit.toDouble()))).toFloat()
    }
}

private class FloatOutput(private val values: FloatArray) : RawOutput(values.size) {
    override fun value(index: Int) = values[index]

    override fun score(index: Int) = sigmoid(values[index])

    override fun eachRowReaching(minScore: Float, columns: Int, from: Int, body: (Int) -> Unit) {
        val threshold = when {
            minScore <= 0 -> Float.NEGATIVE_INFINITY
            minScore < 1 -> ln(minScore / (1 - minScore)) - MARGIN
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
        // Subtracted from the threshold's logit against rounding; callers compare the scores again.
        const val MARGIN = 1e-3f
    }
}

private class QuantizedOutput(tensor: Tensor) : RawOutput(tensor.bytes.limit()) {
    private val port = tensor.port
    private val values = tensor.bytes.toArray()

    // The lowest value that can be stored.
    private val lowest = if (port.type == TensorType.INT8) -128 else 0

    // The score of each value that can be stored, from the lowest on.
    private val scores = FloatArray(256) { step ->
        val rounded = Math.rint((STEPS * sigmoid(port.dequantize(step + lowest))).toDouble()).toFloat()
        minOf(rounded, STEPS - 1) / STEPS
    }

    override fun value(index: Int) = port.dequantize(stored(index))

    override fun score(index: Int) = scores[stored(index) - lowest]

    override fun eachRowReaching(minScore: Float, columns: Int, from: Int, body: (Int) -> Unit) {
        // If no score reaches it, the highest value; callers compare the scores again.
        val step = scores.indexOfFirst { it >= minScore }
        val threshold = lowest + if (step < 0) scores.size - 1 else step
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
        // The interpreter's LOGISTIC has a fixed output scale (TFLite 8-bit quantization specification).
        const val STEPS = 256f
    }
}
