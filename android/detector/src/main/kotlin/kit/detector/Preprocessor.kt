package kit.detector

import java.nio.ByteBuffer

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

    private val scratch = Scratch()
    private val bilinear: Bilinear
    private val encoder: Encoder

    init {
        val shape = input.shape
        val said = "its input is ${input.name} $shape ${input.type}"
        if (shape.size != 4 || shape[0] != 1 || shape[3] != 3) {
            throw DetectorError.NotADetector(model.path, "$said; a detector takes one picture [1, height, width, 3]")
        }
        val declared = model.inputs.firstOrNull()?.let { model.tensors[it].signature }.orEmpty()
        val isSmall = shape[1] in 1..MOST_SIDE && shape[2] in 1..MOST_SIDE
        if (!isSmall || declared.drop(1).any { it < 0 }) {
            throw DetectorError.Unsupported(model.path, "$said and has no fixed size up to $MOST_SIDE; convert it with a fixed height and width")
        }
        height = shape[1]
        width = shape[2]
        bilinear = Bilinear(width, height)
        encoder = when (input.type) {
            TensorType.UINT8 -> ByteEncoder(width, height, isSigned = false)
            TensorType.INT8 -> ByteEncoder(width, height, isSigned = true)
            TensorType.FLOAT32 -> FloatEncoder(width, height, table(model, metadata))
            else -> throw DetectorError.NotADetector(model.path, "$said; a detector takes uint8, int8 or float32")
        }
    }

    /** The input tensor [1, height, width, 3] for [frame], in a direct buffer that the next call fills anew. */
    fun tensor(frame: Frame): ByteBuffer {
        // Whoever read the last one may have moved its position.
        encoder.tensor.clear()
        bilinear.resize(PixelSource.of(frame, scratch), encoder)
        encoder.tensor.rewind()
        return encoder.tensor
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

    companion object {
        // x / 127.5 - 1 maps a camera's bytes to -1..1, which MobileNet detectors are trained on.
        private val USUAL = listOf(127.5f)
        private val COUNTS = setOf(1, 3)

        // Far above any detector; a damaged file that says more must not fill the phone's memory.
        const val MOST_SIDE = 2048
    }
}
