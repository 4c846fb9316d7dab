package kit.detector

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * What runs a model: LiteRT on the CPU or through a delegate, or another one.
 *
 * An engine runs one picture at a time; a [Detector] sees to that.
 */
interface Engine : AutoCloseable {
    /** For people: as in `LiteRT, GPU`. */
    val name: String
    val inputs: List<TensorPort>

    /** A shape may be known only after a run. */
    val outputs: List<TensorPort>

    /**
     * Runs the model on its one input, a direct buffer in native order with the input's bytes between
     * position and limit; gives every output in the model's order. Throws [DetectorError.EngineFailed].
     */
    fun invoke(input: ByteBuffer): List<Tensor>
}

/** What an input or output of an engine holds; [size] is the bytes of one element, 0 where it is not known. */
enum class TensorType(val size: Int) {
    FLOAT32(4), UINT8(1), INT8(1), INT32(4), INT64(8), OTHER(0);

    override fun toString() = name.lowercase()
}

/** One input or output. [scale] is 0 where the values are not quantised; else real = (value - zeroPoint) * scale. */
data class TensorPort(
    val name: String,
    val shape: List<Int>,
    val type: TensorType,
    val scale: Float = 0f,
    val zeroPoint: Int = 0,
) {
    /** Bytes of the whole tensor. Throws [DetectorError.EngineFailed] where it has no fixed size, or one beyond 2 GB. */
    val byteSize: Int
        get() {
            val size = shape.fold(type.size.toLong()) { product, side ->
                if (side < 1 || product > Int.MAX_VALUE) 0 else product * side
            }
            if (size < 1 || size > Int.MAX_VALUE) throw DetectorError.EngineFailed("$name $shape $type has no size to run with")
            return size.toInt()
        }

    internal val isKnown: Boolean get() = shape.isNotEmpty() && shape.all { it > 0 }

    internal fun real(stored: Int): Float = if (scale == 0f) stored.toFloat() else (stored.toFloat() - zeroPoint) * scale
}

/** An output as the engine stores it: numbers of `port.type` in row-major order. Valid until the engine runs again. */
class Tensor(val port: TensorPort, bytes: ByteBuffer) {
    /** From position 0 to the limit, in native order. */
    val bytes: ByteBuffer = bytes.slice().order(ByteOrder.nativeOrder())

    /** The real values, dequantised where they are quantised; empty for types that detectors don't use. */
    fun floats(): FloatArray = when (port.type) {
        TensorType.FLOAT32 -> FloatArray(bytes.limit() / 4).also { bytes.asFloatBuffer().get(it) }
        TensorType.UINT8 -> FloatArray(bytes.limit()) { port.real(bytes.get(it).toInt() and 0xFF) }
        TensorType.INT8 -> FloatArray(bytes.limit()) { port.real(bytes.get(it).toInt()) }
        TensorType.INT32 -> FloatArray(bytes.limit() / 4) { port.real(bytes.getInt(4 * it)) }
        TensorType.INT64 -> FloatArray(bytes.limit() / 8) { port.real(bytes.getLong(8 * it).toInt()) }
        TensorType.OTHER -> FloatArray(0)
    }
}

/** Runs the model once on a black picture: some delegates fail only then, and some shapes are known only after it. */
internal fun Engine.tryOut() {
    val size = inputs.firstOrNull()?.byteSize ?: return
    invoke(ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder()))
}
