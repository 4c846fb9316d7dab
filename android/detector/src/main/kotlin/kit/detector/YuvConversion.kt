package kit.detector

/** What chroma adds to each channel, by pixel; in units of the [YuvConversion] that made it. */
internal class ChromaTerms(val red: IntArray, val green: IntArray, val blue: IntArray)

/**
 * From luma and chroma to red, green and blue, each rounded to nearest and clipped.
 *
 * Luma and chroma come apart since several pixels share chroma. Loops are shaped as in [Bilinear]: few arrays, and no two
 * chains of the same steps in one. Red and blue are clipped at once, 16 bits apart.
 */
internal abstract class YuvConversion(color: YuvColor) {
    private val vToRed: Int
    private val uToGreen: Int
    private val vToGreen: Int
    private val uToBlue: Int

    // Factors are in units of 2^-20. No sum leaves 32 bits: (255 * 1.2 + 128 * 2.2 + 512) * 2^20 < 2^31.
    init {
        val red = color.matrix.red
        val blue = color.matrix.blue
        val green = 1 - red - blue
        val chroma = if (color.isFullRange) 1.0 else 255.0 / 224
        vToRed = whole(2 * (1 - red) * chroma)
        uToGreen = whole(-2 * blue * (1 - blue) / green * chroma)
        vToGreen = whole(-2 * red * (1 - red) / green * chroma)
        uToBlue = whole(2 * (1 - blue) * chroma)
    }

    /** Writes what [u] and [v], from 0 to 255, add. */
    fun chroma(u: IntArray, v: IntArray, out: ChromaTerms) {
        red(v, vToRed, out.red)
        green(u, uToGreen, v, vToGreen, out.green)
        blue(u, uToBlue, out.blue)
    }

    /** Pixels as [PixelSource.read] has them, from [luma] that has been prepared. */
    fun pixels(luma: IntArray, chroma: ChromaTerms, out: IntArray) {
        redBlue(luma, chroma, out)
        addGreen(luma, chroma.green, out)
    }

    /** One pixel of each sum that [PixelSource.readSums] gives; [addSecond] adds the other one. */
    fun first(luma: IntArray, chroma: ChromaTerms, redBlue: IntArray, green: IntArray) {
        redBlue(luma, chroma, redBlue)
        green(luma, chroma.green, green)
    }

    fun addSecond(luma: IntArray, chroma: ChromaTerms, redBlue: IntArray, green: IntArray) {
        addRedBlue(luma, chroma, redBlue)
        addGreen(luma, chroma.green, green)
    }

    /** Turns luma from 0 to 255 into what it adds to each channel. */
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

    protected companion object {
        const val BITS = 20
        const val HALF = 1 shl (BITS - 1)

        /** More than any channel can be below 0. With it, the tenth bit tells that a channel is in range. */
        const val BIAS = 512

        fun whole(factor: Double): Int = Math.rint(factor * (1 shl BITS)).toInt()

        /** Two channels with their [BIAS], 16 bits apart, to 0..255. */
        fun clipBoth(channels: Int): Int {
            val over = channels + 0x1000100 ushr 10 and 0x10001
            val positive = channels ushr 9 and 0x10001
            return (channels and ((positive shl 8) - positive) or ((over shl 8) - over)) and 0xFF00FF
        }

        /** One channel with its [BIAS], to 0..255. */
        fun clip(channel: Int): Int = (channel and -(channel ushr 9 and 1) or -(channel + 256 ushr 10 and 1)) and 0xFF
    }
}

/** Luma from 0 to 255 is what it adds: chroma can be rounded to whole numbers before the two meet. */
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

/** Luma from 16 to 235, which is stretched: everything is in units of 2^-20 until luma and chroma have met. */
internal class VideoRangeConversion(color: YuvColor) : YuvConversion(color) {
    private val factor = whole(255.0 / 219)

    override fun prepare(luma: IntArray) {
        val factor = factor
        for (x in luma.indices) {
            // What is darker than black is black: shifting by 31 makes all bits of the sign.
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
