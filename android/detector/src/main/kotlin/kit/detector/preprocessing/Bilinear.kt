package kit.detector.preprocessing

/**
 * Bilinear resizing that gives the same bytes as `runtime.inference.preprocessing.resize`, which specifies it.
 *
 * Pixel centers are at half-integer coordinates and weights have 11 bits. Rows are interpolated horizontally first, then
 * vertically. An image of exactly twice the size is averaged, and one of the target size is copied.
 *
 * Each loop over pixels processes one channel and accesses arrays of Int at a single index, which the JVM's and
 * Android's compilers vectorize. Processing all channels in one loop is three times slower on the JVM. Only
 * [PixelSource] reads single pixels.
 *
 * Not thread-safe: state for an image is reused for the next one of the same [Shape].
 */
internal class Bilinear(private val toWidth: Int, private val toHeight: Int) {
    /** Receives the rows of the resized image from top to bottom. */
    fun interface RowConsumer {
        /**
         * Receives row [y]. [pixels] are packed as by [PixelSource.read]; the array is reused for the next row.
         */
        fun accept(y: Int, pixels: IntArray)
    }

    /** A resizing method for images of one shape. */
    private abstract class Resampler(val shape: Shape) {
        abstract fun resize(source: PixelSource, rows: RowConsumer)
    }

    private var resampler: Resampler? = null

    /** Resizes the upright image of [source] to [toWidth] x [toHeight] pixels and passes its rows to [rows]. */
    fun resize(source: PixelSource, rows: RowConsumer) {
        val current = resampler?.takeIf { it.shape == source.shape } ?: newResampler(source).also { resampler = it }
        current.resize(source, rows)
    }

    private fun newResampler(source: PixelSource): Resampler {
        val shape = source.shape
        if (shape.width == toWidth && shape.height == toHeight) return CopyResampler(source)
        if (shape.width == 2 * toWidth && shape.height == 2 * toHeight) return HalvingResampler(source, toWidth, toHeight)
        val horizontal = Taps(shape.width, toWidth, true)
        val vertical = Taps(shape.height, toHeight, false)
        val isMidpoint = MidpointRow.isExactFor(horizontal, vertical)
        return if (isMidpoint) MidpointResampler(source, horizontal, vertical) else WeightedResampler(source, horizontal, vertical)
    }

    private class CopyResampler(like: PixelSource) : Resampler(like.shape) {
        private val columns = like.columns(IntArray(shape.width) { it })
        private val pixels = IntArray(shape.width)

        override fun resize(source: PixelSource, rows: RowConsumer) {
            for (y in 0 until shape.height) {
                source.read(y, columns, pixels)
                rows.accept(y, pixels)
            }
        }
    }

    private class HalvingResampler(like: PixelSource, private val width: Int, private val height: Int) : Resampler(like.shape) {
        private val pairs = like.pairs(IntArray(width) { 2 * it }, IntArray(width) { 2 * it + 1 })
        private val blocks = List(4) { IntArray(width) }
        private val pixels = IntArray(width)

        override fun resize(source: PixelSource, rows: RowConsumer) {
            val (a, b, c, d) = blocks
            for (y in 0 until height) {
                source.readPairs(2 * y, pairs, a, b)
                source.readPairs(2 * y + 1, pairs, c, d)
                average(a, b, c, d, pixels)
                rows.accept(y, pixels)
            }
        }

        /** Adds two channels of 8 bits at once: 16 bits apart, each has room for the sum of four values. */
        private fun average(a: IntArray, b: IntArray, c: IntArray, d: IntArray, out: IntArray) {
            for (x in out.indices) {
                val outer = (a[x] and 0xFF00FF) + (b[x] and 0xFF00FF) + (c[x] and 0xFF00FF) + (d[x] and 0xFF00FF) + 0x20002
                val middle = (a[x] and 0xFF00) + (b[x] and 0xFF00) + (c[x] and 0xFF00) + (d[x] and 0xFF00) + 0x200
                out[x] = (outer shr 2 and 0xFF00FF) or (middle shr 2 and 0xFF00)
            }
        }
    }

    /** Interpolates each source row horizontally, to the precision of [Row], and then two such rows vertically. */
    private abstract class InterpolatingResampler<Row : SourceRow>(
        like: PixelSource, horizontal: Taps, private val vertical: Taps, newRow: () -> Row,
    ) : Resampler(like.shape) {
        protected val pairs = like.pairs(horizontal.first, horizontal.second)
        private val pixels = IntArray(horizontal.size)

        // Neighboring target rows share one or both source rows.
        private var upper = newRow()
        private var lower = newRow()

        override fun resize(source: PixelSource, rows: RowConsumer) {
            upper.y = -1
            lower.y = -1
            for (y in 0 until vertical.size) {
                val upperY = vertical.first[y]
                if (upper.y != upperY && lower.y == upperY) upper = lower.also { lower = upper }
                fill(source, upper, upperY)
                fill(source, lower, vertical.second[y])
                blendVertical(upper, lower, vertical.firstWeight[y], vertical.secondWeight[y], pixels)
                rows.accept(y, pixels)
            }
        }

        private fun fill(source: PixelSource, row: Row, y: Int) {
            if (row.y == y) return
            readHorizontal(source, y, row)
            row.y = y
        }

        protected abstract fun readHorizontal(source: PixelSource, y: Int, row: Row)

        protected abstract fun blendVertical(top: Row, bottom: Row, w0: Int, w1: Int, out: IntArray)
    }

    /** Row [y] of the source, sampled at the target's columns. */
    private abstract class SourceRow {
        var y = -1
    }

    /** One value for each channel, at most 255 * 2048 / 16. */
    private class WeightedRow(width: Int) : SourceRow() {
        val red = IntArray(width)
        val green = IntArray(width)
        val blue = IntArray(width)
    }

    private class WeightedResampler(like: PixelSource, horizontal: Taps, vertical: Taps) :
        InterpolatingResampler<WeightedRow>(like, horizontal, vertical, { WeightedRow(horizontal.size) }) {
        private val weights = horizontal.secondWeight
        private val lefts = IntArray(horizontal.size)
        private val rights = IntArray(horizontal.size)

        override fun readHorizontal(source: PixelSource, y: Int, row: WeightedRow) {
            source.readPairs(y, pairs, lefts, rights)
            blendHorizontal(lefts, rights, row.red) { it and 0xFF }
            blendHorizontal(lefts, rights, row.green) { it shr 8 and 0xFF }
            blendHorizontal(lefts, rights, row.blue) { it shr 16 and 0xFF }
        }

        /**
         * (w0 * left + w1 * right) >> 4 of one [channel], where w1 are [weights].
         *
         * The horizontal weights w0 and w1 always add up to 2048: rounding could change the sum only if the fraction
         * were within 2^-24 of half a weight step but not exactly there, and other fractions are at least
         * 1 / (4096 * side) away from it for targets of up to [Preprocessor.MAX_SIDE]. So the result equals
         * 128 * left + (w1 * (right - left)) >> 4.
         */
        private inline fun blendHorizontal(left: IntArray, right: IntArray, out: IntArray, channel: (Int) -> Int) {
            val weights = weights
            for (x in out.indices) {
                val first = channel(left[x])
                out[x] = (first shl 7) + (weights[x] * (channel(right[x]) - first) shr 4)
            }
        }

        override fun blendVertical(top: WeightedRow, bottom: WeightedRow, w0: Int, w1: Int, out: IntArray) {
            blendVertical(top.red, bottom.red, w0, w1, out) { _, red -> red }
            blendVertical(top.green, bottom.green, w0, w1, out) { pixel, green -> pixel or (green shl 8) }
            blendVertical(top.blue, bottom.blue, w0, w1, out) { pixel, blue -> pixel or (blue shl 16) }
        }

        /** (((w0 * top) >> 16) + ((w1 * bottom) >> 16) + 2) >> 2 of one channel, which [add] combines with the pixel. */
        private inline fun blendVertical(top: IntArray, bottom: IntArray, w0: Int, w1: Int, out: IntArray, add: (Int, Int) -> Int) {
            for (x in out.indices) {
                out[x] = add(out[x], (((w0 * top[x]) shr 16) + ((w1 * bottom[x]) shr 16) + 2) shr 2)
            }
        }
    }

    /**
     * The sums left + right, at most 510 each, packed as by [PixelSource.readSums].
     *
     * If each target pixel lies in the middle between two source pixels, as with a camera of 2, 4 or 6 times the model's
     * width, (1024 * left + 1024 * right) >> 4 is 64 times that sum. The vertical weights then need few bits, so that
     * two channels fit into one Int in all later steps.
     */
    private class MidpointRow(width: Int) : SourceRow() {
        val redBlue = IntArray(width)
        val green = IntArray(width)

        companion object {
            /** 510 * 2048 needs 20 bits and 16 are available, so the last four bits of the weights must be 0. */
            private const val SPARE = 4

            fun isExactFor(horizontal: Taps, vertical: Taps): Boolean =
                horizontal.firstWeight.all { it == 1024 } && horizontal.secondWeight.all { it == 1024 } &&
                    vertical.firstWeight.all { it % (1 shl SPARE) == 0 } && vertical.secondWeight.all { it % (1 shl SPARE) == 0 }
        }
    }

    private class MidpointResampler(like: PixelSource, horizontal: Taps, vertical: Taps) :
        InterpolatingResampler<MidpointRow>(like, horizontal, vertical, { MidpointRow(horizontal.size) }) {
        override fun readHorizontal(source: PixelSource, y: Int, row: MidpointRow) = source.readSums(y, pairs, row.redBlue, row.green)

        /**
         * The same result as [WeightedResampler]: (w * 64 * sum) >> 16 is (w / 2^z * sum) >> (10 - z) if w ends in z zero
         * bits. Bits that the shift moves from one channel into the next lower one are masked out.
         */
        override fun blendVertical(top: MidpointRow, bottom: MidpointRow, w0: Int, w1: Int, out: IntArray) {
            val zeros = (w0 or w1).countTrailingZeroBits().coerceAtMost(10)
            val shift = 10 - zeros
            val kept = 0xFFFF ushr shift
            blendRedBlue(top.redBlue, bottom.redBlue, w0 shr zeros, w1 shr zeros, shift, kept or (kept shl 16), out)
            blendGreen(top.green, bottom.green, w0 shr zeros, w1 shr zeros, shift, out)
        }

        private fun blendRedBlue(top: IntArray, bottom: IntArray, w0: Int, w1: Int, shift: Int, kept: Int, out: IntArray) {
            for (x in out.indices) {
                val sum = (w0 * top[x] ushr shift and kept) + (w1 * bottom[x] ushr shift and kept) + 0x20002
                out[x] = sum ushr 2 and 0xFF00FF
            }
        }

        private fun blendGreen(top: IntArray, bottom: IntArray, w0: Int, w1: Int, shift: Int, out: IntArray) {
            for (x in out.indices) {
                val sum = (w0 * top[x] ushr shift and 0xFF.inv()) + (w1 * bottom[x] ushr shift and 0xFF.inv()) + 0x200
                out[x] = out[x] or (sum ushr 2 and 0xFF00)
            }
        }
    }

    /** The two source pixels on both sides of each target pixel along one axis, and their weights. */
    private class Taps(source: Int, val size: Int, clampsFraction: Boolean) {
        val first = IntArray(size)
        val second = IntArray(size)
        val firstWeight = IntArray(size)
        val secondWeight = IntArray(size)

        init {
            val scale = 1 / (size.toDouble() / source)
            for (index in 0 until size) {
                val position = ((index + 0.5) * scale - 0.5).toFloat()
                val floor = Math.floor(position.toDouble()).toInt()
                var start = floor
                var fraction = position - floor
                // Horizontally, the edge pixel gets all the weight. Vertically, indices are clipped and weights are kept.
                if (clampsFraction) {
                    if (floor < 0 || floor >= source - 1) fraction = 0f
                    start = floor.coerceIn(0, source - 1)
                }
                first[index] = start.coerceIn(0, source - 1)
                second[index] = (start + 1).coerceIn(0, source - 1)
                firstWeight[index] = toFixedPoint(1 - fraction)
                secondWeight[index] = toFixedPoint(fraction)
            }
        }

        private fun toFixedPoint(weight: Float): Int = Math.rint((weight * 2048).toDouble()).toInt()
    }
}
