package kit.detector

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * From a frame to the bytes of a model's input.
 *
 * Throws [DetectorError.NotADetector] where the input is no picture of fixed size,
 * [DetectorError.Unsupported] where the metadata's normalisation cannot be used. One thread at a time:
 * its arrays are kept from frame to frame.
 */
internal class Preprocessor(model: Model, metadata: Metadata?, input: TensorPort) {
    val width: Int
    val height: Int

    private val type = input.type
    private val scratch = Scratch()
    private val rgb: ByteArray
    private val tensor: ByteBuffer

    // What each byte of each channel becomes in a float32 input.
    private val table: Array<FloatArray>
    private val floats: FloatArray

    init {
        val shape = input.shape
        val said = "its input is ${input.name} $shape $type"
        if (shape.size != 4 || shape[0] != 1 || shape[3] != 3) {
            throw DetectorError.NotADetector(model.path, "$said; a detector takes one picture [1, height, width, 3]")
        }
        val declared = model.inputs.firstOrNull()?.let { model.tensors[it].signature }.orEmpty()
        val isSmall = shape[1] in 1..MOST_SIDE && shape[2] in 1..MOST_SIDE
        if (!isSmall || declared.drop(1).any { it < 0 }) {
            throw DetectorError.Unsupported(model.path, "$said and has no fixed size up to $MOST_SIDE; convert it with a fixed height and width")
        }
        if (type !in TAKEN) throw DetectorError.NotADetector(model.path, "$said; a detector takes uint8, int8 or float32")
        height = shape[1]
        width = shape[2]
        rgb = ByteArray(3 * width * height)
        tensor = ByteBuffer.allocateDirect(type.size * rgb.size).order(ByteOrder.nativeOrder())
        table = if (type == TensorType.FLOAT32) table(model, metadata) else emptyArray()
        floats = FloatArray(if (type == TensorType.FLOAT32) rgb.size else 0)
    }

    /** The input tensor [1, height, width, 3] for [frame], in a direct buffer that the next call fills anew. */
    fun tensor(frame: Frame): ByteBuffer {
        val source = PixelSource.of(frame, scratch)
        Bilinear.resize(source, frame.uprightWidth, frame.uprightHeight, width, height, rgb)
        tensor.clear()
        if (type == TensorType.FLOAT32) {
            for (index in rgb.indices step 3) {
                floats[index] = table[0][rgb[index].toInt() and 0xFF]
                floats[index + 1] = table[1][rgb[index + 1].toInt() and 0xFF]
                floats[index + 2] = table[2][rgb[index + 2].toInt() and 0xFF]
            }
            tensor.asFloatBuffer().put(floats)
        } else {
            // int8 inputs take the bytes less 128 and uint8 ones the bytes, whatever the input's scale and
            // zero point: that is what the TFLite Task Library and MediaPipe feed, and a file that works
            // there must see the same here.
            if (type == TensorType.INT8) {
                for (index in rgb.indices) rgb[index] = (rgb[index].toInt() xor 0x80).toByte()
            }
            tensor.put(rgb)
            tensor.flip()
        }
        return tensor
    }

    /** x / std - mean / std in float32, as the kit computes it. */
    private fun table(model: Model, metadata: Metadata?): Array<FloatArray> {
        val said = metadata?.inputs?.firstOrNull()?.takeIf { it.mean.isNotEmpty() || it.std.isNotEmpty() }
        val mean = said?.mean ?: USUAL
        val std = said?.std ?: USUAL
        val isUsable = mean.size in COUNTS && std.size in COUNTS && (mean + std).all { it.isFinite() } && std.none { it == 0f }
        if (!isUsable) {
            val reason = "its metadata says mean $mean and std $std; each needs one number or three, and no std of 0"
            throw DetectorError.Unsupported(model.path, reason)
        }
        return Array(3) { channel ->
            val offset = mean[channel % mean.size] / std[channel % std.size]
            FloatArray(256) { it / std[channel % std.size] - offset }
        }
    }

    private companion object {
        val TAKEN = setOf(TensorType.UINT8, TensorType.INT8, TensorType.FLOAT32)

        // x / 127.5 - 1 maps a camera's bytes to -1..1, which MobileNet detectors are trained on.
        val USUAL = listOf(127.5f)
        val COUNTS = setOf(1, 3)

        // Far above any detector; a damaged file that says more must not fill the phone's memory.
        const val MOST_SIDE = 2048
    }
}
