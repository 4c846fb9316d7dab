package kit.detector.engine

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError

/**
 * An inference engine with a loaded model: LiteRT on the CPU or with a delegate, or one of your own.
 *
 * An engine runs one image at a time; `Detector` makes sure of that.
 */
public interface Engine : AutoCloseable {
    /** The name to show to users, such as `LiteRT, GPU`. */
    public val name: String
    /** The inputs in the model's order. */
    public val inputs: List<TensorPort>

    /** The outputs in the model's order. Some shapes are known only after a run. */
    public val outputs: List<TensorPort>

    /**
     * Runs the model on [input], a direct buffer in native byte order whose bytes from position to limit are the
     * input tensor. Returns all outputs in the model's order. Throws [DetectorError.EngineFailed].
     */
    public fun invoke(input: ByteBuffer): List<Tensor>
}

/** The element type of a tensor; [size] is the number of bytes of one element, 0 if not known. */
public enum class TensorType(public val size: Int) {
    FLOAT32(4), UINT8(1), INT8(1), INT32(4), INT64(8), OTHER(0);

    override fun toString(): String = name.lowercase()
}

/**
 * Describes one input or output tensor.
 *
 * Quantized values are dequantized as (value - [zeroPoint]) * [scale]; [scale] is 0 if the tensor is not quantized.
 */
public data class TensorPort(
    val name: String,
    val shape: List<Int>,
    val type: TensorType,
    val scale: Float = 0f,
    val zeroPoint: Int = 0,
) {
    /** Size of the tensor in bytes. Throws [DetectorError.EngineFailed] if it is not fixed or exceeds 2 GB. */
    val byteSize: Int
        get() {
            val size = shape.fold(type.size.toLong()) { product, side ->
                if (side < 1 || product > Int.MAX_VALUE) 0 else product * side
            }
            if (size < 1 || size > Int.MAX_VALUE) throw DetectorError.EngineFailed("$name $shape $type has no usable size")
            return size.toInt()
        }

    internal val isKnown: Boolean get() = shape.isNotEmpty() && shape.all { it > 0 }

    internal fun dequantize(stored: Int): Float = if (scale == 0f) stored.toFloat() else (stored.toFloat() - zeroPoint) * scale
}

/** An output tensor as stored by the engine: elements of `port.type` in row-major order. Valid until the next run. */
public class Tensor(public val port: TensorPort, bytes: ByteBuffer) {
    /** The elements from position 0 to the limit, in native byte order. */
    public val bytes: ByteBuffer = bytes.slice().order(ByteOrder.nativeOrder())

    /** The values as float32, dequantized if needed. Empty for [TensorType.OTHER]. */
    public fun floats(): FloatArray = when (port.type) {
        TensorType.FLOAT32 -> FloatArray(bytes.limit() / 4).also { bytes.asFloatBuffer().get(it) }
        TensorType.UINT8 -> FloatArray(bytes.limit()) { port.dequantize(bytes.get(it).toInt() and 0xFF) }
        TensorType.INT8 -> FloatArray(bytes.limit()) { port.dequantize(bytes.get(it).toInt()) }
        TensorType.INT32 -> FloatArray(bytes.limit() / 4) { port.dequantize(bytes.getInt(4 * it)) }
        TensorType.INT64 -> FloatArray(bytes.limit() / 8) { port.dequantize(bytes.getLong(8 * it).toInt()) }
        TensorType.OTHER -> FloatArray(0)
    }
}

/** Runs the model once on a black image: some delegates fail only then, and some output shapes are known only afterwards. */
internal fun Engine.warmUp() {
    val size = inputs.firstOrNull()?.byteSize ?: return
    invoke(ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder()))
}
