package kit.detector.postprocessing

import kit.detector.engine.Tensor
import kit.detector.engine.TensorType
import kit.detector.model.toArray
import kotlin.math.exp
import kotlin.math.ln

/** An output tensor of a raw head as stored, float32 or quantized to 8 bits. */
internal sealed class RawOutput(val size: Int) {
    /** The real value of element [index]. */
    abstract fun value(index: Int): Float

    /** The score of the logit at [index]. */
    abstract fun score(index: Int): Float

    /** A number that rises with the stored value at [index], equal for equal values. */
    abstract fun rank(index: Int): Int

    /** Calls [body] for each index, rising, whose logit has a score of about [minScore] or more. */
    abstract fun eachReaching(minScore: Float, body: (Int) -> Unit)

    companion object {
        /** [tensor], with scores of quantized logits changed by [rounded]. Null for types that raw heads do not use. */
        fun of(tensor: Tensor, rounded: (Float) -> Float = { it }): RawOutput? = when (tensor.port.type) {
            TensorType.FLOAT32 -> FloatOutput(tensor.floats())
            TensorType.UINT8, TensorType.INT8 -> QuantizedOutput(tensor, rounded)
            else -> null
        }

        fun sigmoid(logit: Float): Float = (1 / (1 + exp(-logit.toDouble()))).toFloat()
    }
}

private class FloatOutput(private val values: FloatArray) : RawOutput(values.size) {
    override fun value(index: Int) = values[index]

    override fun score(index: Int) = sigmoid(values[index])

    override fun rank(index: Int): Int {
        // Adding 0 makes -0 equal to 0. The bits of negative numbers rise the other way.
        val bits = (values[index] + 0f).toRawBits()
        return bits xor ((bits shr 31) and Int.MAX_VALUE)
    }

    override fun eachReaching(minScore: Float, body: (Int) -> Unit) {
        val threshold = when {
            minScore <= 0 -> Float.NEGATIVE_INFINITY
            minScore < 1 -> ln(minScore / (1 - minScore)) - MARGIN
            else -> Float.POSITIVE_INFINITY
        }
        for (index in values.indices) {
            if (values[index] >= threshold) body(index)
        }
    }

    private companion object {
        // Subtracted from the threshold's logit against rounding; callers compare the scores again.
        const val MARGIN = 1e-3f
    }
}

private class QuantizedOutput(tensor: Tensor, rounded: (Float) -> Float) : RawOutput(tensor.bytes.limit()) {
    private val port = tensor.port
    private val values = tensor.bytes.toArray()

    // The lowest value that can be stored.
    private val lowest = if (port.type == TensorType.INT8) -128 else 0

    // The score of each value that can be stored, from the lowest on.
    private val scores: FloatArray by lazy(LazyThreadSafetyMode.NONE) {
        FloatArray(256) { step -> rounded(sigmoid(port.dequantize(step + lowest))) }
    }

    override fun value(index: Int) = port.dequantize(stored(index))

    override fun score(index: Int) = scores[stored(index) - lowest]

    override fun rank(index: Int) = stored(index)

    override fun eachReaching(minScore: Float, body: (Int) -> Unit) {
        // If no score reaches it, the highest value; callers compare the scores again.
        val step = scores.indexOfFirst { it >= minScore }
        val threshold = lowest + if (step < 0) scores.size - 1 else step
        for (index in values.indices) {
            if (stored(index) >= threshold) body(index)
        }
    }

    private fun stored(index: Int): Int = if (lowest < 0) values[index].toInt() else values[index].toInt() and 0xFF
}
