package kit.detector

/**
 * How luma and chroma of a camera stand for colours. Android's cameras give BT.601 in full range, as JPEG
 * has it, unless they say otherwise.
 *
 * [isFullRange] is false for luma from 16 to 235, true for 0 to 255.
 */
data class YuvColor(val matrix: Matrix = Matrix.BT601, val isFullRange: Boolean = true) {
    /** Kr and Kb of the recommendations ITU-R BT.601 and BT.709. */
    enum class Matrix(internal val red: Double, internal val blue: Double) {
        BT601(0.299, 0.114), BT709(0.2126, 0.0722)
    }

    internal val factors: YuvFactors = YuvFactors(this)
}

/** Factors in units of 2^-20. No sum leaves 32 bits: 255 * 2^20 * 1.2 + 128 * 2^20 * 2.2 < 2^30. */
internal class YuvFactors(color: YuvColor) {
    private val black: Int = if (color.isFullRange) 0 else 16
    private val luma: Int
    private val vToRed: Int
    private val uToGreen: Int
    private val vToGreen: Int
    private val uToBlue: Int

    init {
        val red = color.matrix.red
        val blue = color.matrix.blue
        val green = 1 - red - blue
        val chroma = if (color.isFullRange) 1.0 else 255.0 / 224
        luma = whole(if (color.isFullRange) 1.0 else 255.0 / 219)
        vToRed = whole(2 * (1 - red) * chroma)
        uToGreen = whole(-2 * blue * (1 - blue) / green * chroma)
        vToGreen = whole(-2 * red * (1 - red) / green * chroma)
        uToBlue = whole(2 * (1 - blue) * chroma)
    }

    /** Writes R, G and B, rounded to nearest and clipped, to [out] from [place] on. */
    fun rgb(y: Byte, u: Byte, v: Byte, out: ByteArray, place: Int) {
        val above = (y.toInt() and 0xFF) - black
        val base = (if (above < 0) 0 else above) * luma + (1 shl (BITS - 1))
        val du = (u.toInt() and 0xFF) - 128
        val dv = (v.toInt() and 0xFF) - 128
        out[place] = clip((base + vToRed * dv) shr BITS)
        out[place + 1] = clip((base + uToGreen * du + vToGreen * dv) shr BITS)
        out[place + 2] = clip((base + uToBlue * du) shr BITS)
    }

    private fun clip(value: Int): Byte = (if (value < 0) 0 else if (value > 255) 255 else value).toByte()

    private fun whole(factor: Double): Int = Math.rint(factor * (1 shl BITS)).toInt()

    private companion object {
        const val BITS = 20
    }
}
