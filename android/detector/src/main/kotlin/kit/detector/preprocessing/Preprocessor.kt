package kit.detector.preprocessing

import java.nio.ByteBuffer
import kit.detector.DetectorError
import kit.detector.Frame
import kit.detector.engine.TensorPort
import kit.detector.engine.TensorType
import kit.detector.model.Metadata
import kit.detector.model.Model

/**
 * Converts frames to the input tensor of a model.
 *
 * The constructor throws [DetectorError.NotADetector] if the input is not an image, and [DetectorError.Unsupported] if
 * its size is not fixed or the metadata's normalization is not valid. Not thread-safe: buffers are reused.
 */
internal class Preprocessor(model: Model, metadata: Metadata?, input: TensorPort) {
    val width: Int
    val height: Int

    private val scratch = Scratch()
    private val bilinear: Bilinear
    private val encoder: Encoder

    init {
        val shape = input.shape
        val described = "its input is ${input.name} $shape ${input.type}"
        if (shape.size != 4 || shape[0] != 1 || shape[3] != 3) {
            throw DetectorError.NotADetector(model.path, "$described; a detector takes one image [1, height, width, 3]")
        }
        val declared = model.inputs.firstOrNull()?.let { model.tensors[it].signature }.orEmpty()
        val isSmall = shape[1] in 1..MAX_SIDE && shape[2] in 1..MAX_SIDE
        if (!isSmall || declared.drop(1).any { it < 0 }) {
            throw DetectorError.Unsupported(model.path, "$described and has no fixed size up to $MAX_SIDE; convert it with a fixed height and width")
        }
        height = shape[1]
        width = shape[2]
        bilinear = Bilinear(width, height)
        encoder = when (input.type) {
            TensorType.UINT8 -> ByteEncoder(width, height, isSigned = false)
            TensorType.INT8 -> ByteEncoder(width, height, isSigned = true)
            TensorType.FLOAT32 -> FloatEncoder(width, height, table(model, metadata))
            else -> throw DetectorError.NotADetector(model.path, "$described; a detector takes uint8, int8 or float32")
        }
    }

    /** The input tensor (1, height, width, 3) for [frame], in a direct buffer that the next call overwrites. */
    fun tensor(frame: Frame): ByteBuffer {
        // A reader of the last tensor may have moved the position.
        encoder.tensor.clear()
        bilinear.resize(PixelSource.of(frame, scratch), encoder)
        encoder.tensor.rewind()
        return encoder.tensor
    }

    /** The normalized value of each byte for each channel: x / std - mean / std in float32, as in Python (`runtime`). */
    private fun table(model: Model, metadata: Metadata?): Array<FloatArray> {
        val normalization = metadata?.inputs?.firstOrNull()?.takeIf { it.mean.isNotEmpty() || it.std.isNotEmpty() }
        val mean = normalization?.mean ?: DEFAULT
        val std = normalization?.std ?: DEFAULT
        val isValid = mean.size in LENGTHS && std.size in LENGTHS && (mean + std).all { it.isFinite() } && std.none { it == 0f }
        if (!isValid) {
            val reason = "its metadata says mean $mean and std $std; each needs one number or three, and no std of 0"
            throw DetectorError.Unsupported(model.path, reason)
        }
        return Array(3) { channel ->
            val offset = mean[channel % mean.size] / std[channel % std.size]
            FloatArray(256) { it / std[channel % std.size] - offset }
        }
    }

    companion object {
        // x / 127.5 - 1 maps bytes to -1..1, as MobileNet detectors are trained.
        private val DEFAULT = listOf(127.5f)
        private val LENGTHS = setOf(1, 3)

        // Far above any detector. The limit keeps a damaged file from filling memory.
        const val MAX_SIDE = 2048
    }
}
