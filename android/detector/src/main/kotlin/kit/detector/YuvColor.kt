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

    /**
     * Writes the first [size] pixels, rounded to nearest and clipped, to [out] as [PixelSource.read] has them;
     * the arrays hold numbers from 0 to 255, and [luma] other ones afterwards.
     */
    fun rgb(luma: IntArray, u: IntArray, v: IntArray, size: Int, out: IntArray) {
        // A loop for each channel, as in [Bilinear].
        scale(luma, size)
        red(luma, v, size, out)
        green(luma, u, v, size, out)
        blue(luma, u, size, out)
    }

    private fun scale(luma: IntArray, size: Int) {
        val black = black
        val factor = this.luma
        for (x in 0 until size) {
            val above = luma[x] - black
            luma[x] = (above and (above shr 31).inv()) * factor + (1 shl (BITS - 1))
        }
    }

    private fun red(base: IntArray, v: IntArray, size: Int, out: IntArray) {
        val factor = vToRed
        for (x in 0 until size) out[x] = clip((base[x] + factor * (v[x] - 128)) shr BITS)
    }

    private fun green(base: IntArray, u: IntArray, v: IntArray, size: Int, out: IntArray) {
        val ofU = uToGreen
        val ofV = vToGreen
        for (x in 0 until size) {
            val green = clip((base[x] + ofU * (u[x] - 128) + ofV * (v[x] - 128)) shr BITS)
            out[x] = out[x] or (green shl 8)
        }
    }

    private fun blue(base: IntArray, u: IntArray, size: Int, out: IntArray) {
        val factor = uToBlue
        for (x in 0 until size) out[x] = out[x] or (clip((base[x] + factor * (u[x] - 128)) shr BITS) shl 16)
    }

    /** To 0..255, without a branch: shifting by 31 makes all bits of the sign. */
    private fun clip(value: Int): Int {
        val positive = value and (value shr 31).inv()
        return (positive or ((255 - positive) shr 31)) and 0xFF
    }

    private fun whole(factor: Double): Int = Math.rint(factor * (1 shl BITS)).toInt()

    private companion object {
        const val BITS = 20
    }
}
