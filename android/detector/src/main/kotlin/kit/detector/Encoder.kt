package kit.detector

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Takes rows of resized pixels into the bytes of a model's input, [1, height, width, 3]. */
internal abstract class Encoder(size: Int) : Bilinear.Rows {
    /** Direct and in native order, from the first byte to the last; filled anew by the next picture. */
    val tensor: ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())
}

/**
 * uint8 inputs take the bytes and int8 ones the bytes less 128, whatever the input's scale and zero point:
 * that is what the TFLite Task Library and MediaPipe feed, and a file that works there must see the same here.
 */
internal class ByteEncoder(private val width: Int, private val height: Int, isSigned: Boolean) : Encoder(3 * width * height) {
    private val flip = if (isSigned) 0x80_8080 else 0
    private val bytes = tensor.duplicate().order(ByteOrder.LITTLE_ENDIAN)

    override fun take(y: Int, pixels: IntArray) {
        val start = 3 * width * y
        // Two pixels at once, in eight bytes: what comes next goes over the last two.
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

/** float32 inputs take what [table] says of each byte of each channel. */
internal class FloatEncoder(private val width: Int, height: Int, private val table: Array<FloatArray>) : Encoder(12 * width * height) {
    private val row = FloatArray(3 * width)
    private val floats = tensor.asFloatBuffer()

    override fun take(y: Int, pixels: IntArray) {
        val (red, green, blue) = table
        var place = 0
        for (x in 0 until width) {
            val pixel = pixels[x]
            row[place] = red[pixel and 0xFF]
            row[place + 1] = green[pixel ushr 8 and 0xFF]
            row[place + 2] = blue[pixel ushr 16 and 0xFF]
            place += 3
        }
        floats.position(row.size * y)
        floats.put(row)
    }
}
