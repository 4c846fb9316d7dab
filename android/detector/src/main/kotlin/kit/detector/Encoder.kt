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
internal class ByteEncoder(private val width: Int, height: Int, isSigned: Boolean) : Encoder(3 * width * height) {
    private val flip = if (isSigned) 0x8080_8080.toInt() else 0

    // Four pixels are three words.
    private val words = IntArray(3 * ((width + 3) / 4))
    private val row = ByteBuffer.allocateDirect(4 * words.size).order(ByteOrder.LITTLE_ENDIAN)
    private val rowWords = row.asIntBuffer()

    override fun take(y: Int, pixels: IntArray) {
        var place = 0
        for (word in words.indices step 3) {
            val first = pixels[place]
            val second = pixels[place + 1]
            val third = pixels[place + 2]
            val fourth = pixels[place + 3]
            words[word] = (first and 0xFFFFFF or (second shl 24)) xor flip
            words[word + 1] = (second ushr 8 and 0xFFFF or (third shl 16)) xor flip
            words[word + 2] = (third ushr 16 and 0xFF or (fourth shl 8)) xor flip
            place += 4
        }
        rowWords.clear()
        rowWords.put(words)
        row.clear()
        row.limit(3 * width)
        tensor.position(3 * width * y)
        tensor.put(row)
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
