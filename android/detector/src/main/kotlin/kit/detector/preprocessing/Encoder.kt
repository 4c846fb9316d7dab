package kit.detector.preprocessing

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Writes rows of resized pixels to the input tensor of a model, (1, height, width, 3). */
internal abstract class Encoder(size: Int) : Bilinear.RowConsumer {
    /** The whole tensor in a direct buffer in native byte order. The next image overwrites it. */
    val tensor: ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())
}

/**
 * Encodes uint8 inputs as the bytes, and int8 inputs as the bytes minus 128, regardless of the input's scale and zero
 * point. The TFLite Task Library and MediaPipe do the same, so that files made for them work here.
 */
internal class ByteEncoder(private val width: Int, private val height: Int, isSigned: Boolean) : Encoder(3 * width * height) {
    private val flip = if (isSigned) 0x80_8080 else 0
    private val bytes = tensor.duplicate().order(ByteOrder.LITTLE_ENDIAN)

    override fun accept(y: Int, pixels: IntArray) {
        val start = 3 * width * y
        // Two pixels at once in eight bytes; the next write overwrites the last two.
        val pairs = if (y < height - 1) width / 2 else (width - 1) / 2
        val bytes = bytes
        val flip = flip
        for (pair in 0 until pairs) {
            val first = pixels[2 * pair] xor flip and 0xFFFFFF
            val second = pixels[2 * pair + 1] xor flip
            bytes.putLong(start + 6 * pair, first.toLong() or (second.toLong() shl 24))
        }
        for (x in 2 * pairs until width) {
            val pixel = pixels[x] xor flip
            for (channel in 0 until 3) bytes.put(start + 3 * x + channel, (pixel shr 8 * channel).toByte())
        }
    }
}

/** Encodes float32 inputs. [table] has the value of each byte for each channel. */
internal class FloatEncoder(private val width: Int, height: Int, private val table: Array<FloatArray>) : Encoder(12 * width * height) {
    private val row = FloatArray(3 * width)
    private val floats = tensor.asFloatBuffer()

    override fun accept(y: Int, pixels: IntArray) {
        val (red, green, blue) = table
        var position = 0
        for (x in 0 until width) {
            val pixel = pixels[x]
            row[position] = red[pixel and 0xFF]
            row[position + 1] = green[pixel ushr 8 and 0xFF]
            row[position + 2] = blue[pixel ushr 16 and 0xFF]
            position += 3
        }
        floats.position(row.size * y)
        floats.put(row)
    }
}
