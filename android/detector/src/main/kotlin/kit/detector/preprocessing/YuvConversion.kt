package kit.detector.preprocessing

import kit.detector.YuvColor

/** The contribution of chroma to each channel for each pixel of a row, in units of the [YuvConversion] that computed it. */
internal class ChromaTerms(val red: IntArray, val green: IntArray, val blue: IntArray)

/**
 * Converts luma and chroma to red, green and blue, rounded to nearest and clipped.
 *
 * Chroma is converted separately because several pixels share it. Loops are written for vectorization as in [Bilinear]:
 * few arrays, and one chain of operations each. Red and blue are clipped together, 16 bits apart.
 */
internal abstract class YuvConversion(color: YuvColor) {
    private val vToRed: Int
    private val uToGreen: Int
    private val vToGreen: Int
    private val uToBlue: Int

    // Factors are in units of 2^-20. Sums fit into 32 bits: (255 * 1.2 + 128 * 2.2 + 512) * 2^20 < 2^31.
    init {
        val red = color.matrix.red
        val blue = color.matrix.blue
        val green = 1 - red - blue
        val chroma = if (color.isFullRange) 1.0 else 255.0 / 224
        vToRed = toFixedPoint(2 * (1 - red) * chroma)
        uToGreen = toFixedPoint(-2 * blue * (1 - blue) / green * chroma)
        vToGreen = toFixedPoint(-2 * red * (1 - red) / green * chroma)
        uToBlue = toFixedPoint(2 * (1 - blue) * chroma)
    }

    /** Writes the chroma terms of [u] and [v], each 0 to 255, to [out]. */
    fun chroma(u: IntArray, v: IntArray, out: ChromaTerms) {
        red(v, vToRed, out.red)
        green(u, uToGreen, v, vToGreen, out.green)
        blue(u, uToBlue, out.blue)
    }

    /** Writes pixels packed as by [PixelSource.read]. [luma] must have been passed to [prepare]. */
    fun pixels(luma: IntArray, chroma: ChromaTerms, out: IntArray) {
        redBlue(luma, chroma, out)
        addGreen(luma, chroma.green, out)
    }

    /** Writes the first pixel of each sum of [PixelSource.readSums]; [addSecond] adds the second one. */
    fun first(luma: IntArray, chroma: ChromaTerms, redBlue: IntArray, green: IntArray) {
        redBlue(luma, chroma, redBlue)
        green(luma, chroma.green, green)
    }

    fun addSecond(luma: IntArray, chroma: ChromaTerms, redBlue: IntArray, green: IntArray) {
        addRedBlue(luma, chroma, redBlue)
        addGreen(luma, chroma.green, green)
    }

    /** Replaces luma, 0 to 255, by its contribution to each channel. */
    abstract fun prepare(luma: IntArray)

    protected abstract fun red(v: IntArray, factor: Int, out: IntArray)
    protected abstract fun green(u: IntArray, ofU: Int, v: IntArray, ofV: Int, out: IntArray)
    protected abstract fun blue(u: IntArray, factor: Int, out: IntArray)

    /** Red in the low half and blue in the high one. */
    protected abstract fun redBlue(luma: IntArray, chroma: ChromaTerms, out: IntArray)
    protected abstract fun addRedBlue(luma: IntArray, chroma: ChromaTerms, out: IntArray)

    /** 256 times green. */
    protected abstract fun green(luma: IntArray, chroma: IntArray, out: IntArray)
    protected abstract fun addGreen(luma: IntArray, chroma: IntArray, out: IntArray)

    companion object {
        /** The conversion for frames of [color]. */
        fun of(color: YuvColor): YuvConversion = if (color.isFullRange) FullRangeConversion(color) else VideoRangeConversion(color)

        const val BITS = 20
        const val HALF = 1 shl (BITS - 1)

        /** Added to channels to make them positive. Bit 9 of the sum is then set unless the channel was negative. */
        const val BIAS = 512

        fun toFixedPoint(factor: Double): Int = Math.rint(factor * (1 shl BITS)).toInt()

        /** Clips two channels to 0..255. [channels] has them 16 bits apart, each plus [BIAS]. */
        fun clipBoth(channels: Int): Int {
            val over = channels + 0x1000100 ushr 10 and 0x10001
            val positive = channels ushr 9 and 0x10001
            return (channels and ((positive shl 8) - positive) or ((over shl 8) - over)) and 0xFF00FF
        }

        /** Clips one channel plus [BIAS] to 0..255. */
        fun clip(channel: Int): Int = (channel and -(channel ushr 9 and 1) or -(channel + 256 ushr 10 and 1)) and 0xFF
    }
}

/** Full range: luma needs no scaling, so chroma terms can be rounded to integers before the two are added. */
internal class FullRangeConversion(color: YuvColor) : YuvConversion(color) {
    override fun prepare(luma: IntArray) = Unit

    override fun red(v: IntArray, factor: Int, out: IntArray) {
        for (x in out.indices) out[x] = (factor * (v[x] - 128) + HALF shr BITS) + BIAS
    }

    override fun green(u: IntArray, ofU: Int, v: IntArray, ofV: Int, out: IntArray) {
        for (x in out.indices) out[x] = (ofU * (u[x] - 128) + ofV * (v[x] - 128) + HALF shr BITS) + BIAS
    }

    /** In the high half. */
    override fun blue(u: IntArray, factor: Int, out: IntArray) {
        for (x in out.indices) out[x] = (factor * (u[x] - 128) + HALF shr BITS) + BIAS shl 16
    }

    override fun redBlue(luma: IntArray, chroma: ChromaTerms, out: IntArray) =
        redBlue(luma, chroma.red, chroma.blue, out) { _, both -> both }

    override fun addRedBlue(luma: IntArray, chroma: ChromaTerms, out: IntArray) =
        redBlue(luma, chroma.red, chroma.blue, out) { sum, both -> sum + both }

    private inline fun redBlue(luma: IntArray, red: IntArray, blue: IntArray, out: IntArray, add: (Int, Int) -> Int) {
        for (x in out.indices) out[x] = add(out[x], clipBoth((luma[x] or (luma[x] shl 16)) + red[x] + blue[x]))
    }

    override fun green(luma: IntArray, chroma: IntArray, out: IntArray) = green(luma, chroma, out) { _, green -> green }

    override fun addGreen(luma: IntArray, chroma: IntArray, out: IntArray) = green(luma, chroma, out) { sum, green -> sum + green }

    private inline fun green(luma: IntArray, chroma: IntArray, out: IntArray, add: (Int, Int) -> Int) {
        for (x in out.indices) out[x] = add(out[x], clip(luma[x] + chroma[x]) shl 8)
    }
}

/** Video range: luma from 16 to 235 is scaled, so all terms are in units of 2^-20 until they are added. */
internal class VideoRangeConversion(color: YuvColor) : YuvConversion(color) {
    private val factor = toFixedPoint(255.0 / 219)

    override fun prepare(luma: IntArray) {
        val factor = factor
        for (x in luma.indices) {
            // Luma below black is clipped to black: the shift by 31 yields a mask of the sign.
            val above = luma[x] - 16
            luma[x] = (above and (above shr 31).inv()) * factor + HALF + (BIAS shl BITS)
        }
    }

    override fun red(v: IntArray, factor: Int, out: IntArray) {
        for (x in out.indices) out[x] = factor * (v[x] - 128)
    }

    override fun green(u: IntArray, ofU: Int, v: IntArray, ofV: Int, out: IntArray) {
        for (x in out.indices) out[x] = ofU * (u[x] - 128) + ofV * (v[x] - 128)
    }

    override fun blue(u: IntArray, factor: Int, out: IntArray) = red(u, factor, out)

    override fun redBlue(luma: IntArray, chroma: ChromaTerms, out: IntArray) =
        redBlue(luma, chroma.red, chroma.blue, out) { _, both -> both }

    override fun addRedBlue(luma: IntArray, chroma: ChromaTerms, out: IntArray) =
        redBlue(luma, chroma.red, chroma.blue, out) { sum, both -> sum + both }

    private inline fun redBlue(luma: IntArray, red: IntArray, blue: IntArray, out: IntArray, add: (Int, Int) -> Int) {
        for (x in out.indices) {
            val both = (luma[x] + red[x] ushr BITS) + (luma[x] + blue[x] ushr BITS - 16 and -0x10000)
            out[x] = add(out[x], clipBoth(both))
        }
    }

    override fun green(luma: IntArray, chroma: IntArray, out: IntArray) = green(luma, chroma, out) { _, green -> green }

    override fun addGreen(luma: IntArray, chroma: IntArray, out: IntArray) = green(luma, chroma, out) { sum, green -> sum + green }

    private inline fun green(luma: IntArray, chroma: IntArray, out: IntArray, add: (Int, Int) -> Int) {
        for (x in out.indices) out[x] = add(out[x], clip(luma[x] + chroma[x] ushr BITS) shl 8)
    }
}
