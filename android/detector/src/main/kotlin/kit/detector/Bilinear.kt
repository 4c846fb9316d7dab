package kit.detector

/**
 * The one bilinear of the kit: `runtime.preprocess.resize` states the arithmetic, and the bytes are the same.
 *
 * Pixel centres are at halves; weights have 11 bits; across first, then down; a picture that is
 * exactly halved is averaged, and one of the right size is copied.
 *
 * Loops over pixels take one channel each, and read and write arrays of Int at one index: the shape that the
 * compilers of the JVM and of Android make vector instructions of. All three channels in one are three times
 * slower on the JVM. Only [PixelSource] reads pixels one by one.
 *
 * One thread at a time: what was made for a picture is kept for the next one of the same shape.
 */
internal class Bilinear(private val toWidth: Int, private val toHeight: Int) {
    /** Takes the rows of the resized picture, from the top one down. */
    fun interface Rows {
        /**
         * [pixels] are those of the row [y], as [PixelSource.read] gives them; the array is filled anew for the
         * next row.
         */
        fun take(y: Int, pixels: IntArray)
    }

    /** A way to resize pictures of one shape. */
    private abstract class Way(val shape: Shape) {
        abstract fun resize(source: PixelSource, rows: Rows)
    }

    private var way: Way? = null

    /** Gives the upright picture of [source] to [rows] as one of [toWidth] x [toHeight]. */
    fun resize(source: PixelSource, rows: Rows) {
        val way = way?.takeIf { it.shape == source.shape } ?: wayOf(source).also { way = it }
        way.resize(source, rows)
    }

    private fun wayOf(source: PixelSource): Way {
        val shape = source.shape
        if (shape.width == toWidth && shape.height == toHeight) return Copying(source)
        if (shape.width == 2 * toWidth && shape.height == 2 * toHeight) return Halving(source, toWidth, toHeight)
        val across = Taps(shape.width, toWidth, true)
        val down = Taps(shape.height, toHeight, false)
        return if (MiddleRow.isEnoughFor(across, down)) Middling(source, across, down) else Weighing(source, across, down)
    }

    private class Copying(like: PixelSource) : Way(like.shape) {
        private val columns = like.columns(IntArray(shape.width) { it })
        private val pixels = IntArray(shape.width)

        override fun resize(source: PixelSource, rows: Rows) {
            for (y in 0 until shape.height) {
                source.read(y, columns, pixels)
                rows.take(y, pixels)
            }
        }
    }

    private class Halving(like: PixelSource, private val width: Int, private val height: Int) : Way(like.shape) {
        private val pairs = like.pairs(IntArray(width) { 2 * it }, IntArray(width) { 2 * it + 1 })
        private val blocks = List(4) { IntArray(width) }
        private val pixels = IntArray(width)

        override fun resize(source: PixelSource, rows: Rows) {
            val (a, b, c, d) = blocks
            for (y in 0 until height) {
                source.readPairs(2 * y, pairs, a, b)
                source.readPairs(2 * y + 1, pairs, c, d)
                average(a, b, c, d, pixels)
                rows.take(y, pixels)
            }
        }

        /** Two channels of 8 bits have room for a sum of four where they are 16 bits apart. */
        private fun average(a: IntArray, b: IntArray, c: IntArray, d: IntArray, out: IntArray) {
            for (x in out.indices) {
                val outer = (a[x] and 0xFF00FF) + (b[x] and 0xFF00FF) + (c[x] and 0xFF00FF) + (d[x] and 0xFF00FF) + 0x20002
                val middle = (a[x] and 0xFF00) + (b[x] and 0xFF00) + (c[x] and 0xFF00) + (d[x] and 0xFF00) + 0x200
                out[x] = (outer shr 2 and 0xFF00FF) or (middle shr 2 and 0xFF00)
            }
        }
    }

    /** Blends pairs of pixels of a source row across, as far as [Row] keeps that, and two such rows down. */
    private abstract class Interpolating<Row : SourceRow>(like: PixelSource, across: Taps, private val down: Taps, newRow: () -> Row) :
        Way(like.shape) {
        protected val pairs = like.pairs(across.first, across.second)
        private val pixels = IntArray(across.size)

        // Neighbours in the target share their source rows, or one of them.
        private var upper = newRow()
        private var lower = newRow()

        override fun resize(source: PixelSource, rows: Rows) {
            upper.y = -1
            lower.y = -1
            for (y in 0 until down.size) {
                val wanted = down.first[y]
                if (upper.y != wanted && lower.y == wanted) upper = lower.also { lower = upper }
                fill(source, upper, wanted)
                fill(source, lower, down.second[y])
                blendDown(upper, lower, down.firstWeight[y], down.secondWeight[y], pixels)
                rows.take(y, pixels)
            }
        }

        private fun fill(source: PixelSource, row: Row, y: Int) {
            if (row.y == y) return
            readAcross(source, y, row)
            row.y = y
        }

        protected abstract fun readAcross(source: PixelSource, y: Int, row: Row)

        protected abstract fun blendDown(top: Row, bottom: Row, w0: Int, w1: Int, out: IntArray)
    }

    /** The row [y] of the source at the target's columns. */
    private abstract class SourceRow {
        var y = -1
    }

    /** By channel, at most 255 * 2048 / 16. */
    private class WeighedRow(width: Int) : SourceRow() {
        val red = IntArray(width)
        val green = IntArray(width)
        val blue = IntArray(width)
    }

    private class Weighing(like: PixelSource, across: Taps, down: Taps) :
        Interpolating<WeighedRow>(like, across, down, { WeighedRow(across.size) }) {
        private val weights = across.secondWeight
        private val lefts = IntArray(across.size)
        private val rights = IntArray(across.size)

        override fun readAcross(source: PixelSource, y: Int, row: WeighedRow) {
            source.readPairs(y, pairs, lefts, rights)
            blendAcross(lefts, rights, row.red) { it and 0xFF }
            blendAcross(lefts, rights, row.green) { it shr 8 and 0xFF }
            blendAcross(lefts, rights, row.blue) { it shr 16 and 0xFF }
        }

        /**
         * (w0 * left + w1 * right) >> 4 of one [channel], [weights] being w1.
         *
         * For a target of up to [Preprocessor.MOST_SIDE], w0 + w1 is 2048 across: rounding could only make another
         * sum where f is nearer than 2^-24 to half a step of the weights without lying there, and what lies beside
         * it is 1 / (4096 * side) away. So this is 128 * left + (w1 * (right - left)) >> 4.
         */
        private inline fun blendAcross(left: IntArray, right: IntArray, out: IntArray, channel: (Int) -> Int) {
            val weights = weights
            for (x in out.indices) {
                val first = channel(left[x])
                out[x] = (first shl 7) + (weights[x] * (channel(right[x]) - first) shr 4)
            }
        }

        override fun blendDown(top: WeighedRow, bottom: WeighedRow, w0: Int, w1: Int, out: IntArray) {
            blendDown(top.red, bottom.red, w0, w1, out) { _, red -> red }
            blendDown(top.green, bottom.green, w0, w1, out) { pixel, green -> pixel or (green shl 8) }
            blendDown(top.blue, bottom.blue, w0, w1, out) { pixel, blue -> pixel or (blue shl 16) }
        }

        /** (((w0 * top) >> 16) + ((w1 * bottom) >> 16) + 2) >> 2 of one channel, which [add] joins to the pixel. */
        private inline fun blendDown(top: IntArray, bottom: IntArray, w0: Int, w1: Int, out: IntArray, add: (Int, Int) -> Int) {
            for (x in out.indices) {
                out[x] = add(out[x], (((w0 * top[x]) shr 16) + ((w1 * bottom[x]) shr 16) + 2) shr 2)
            }
        }
    }

    /**
     * left + right, at most 510 each, as [PixelSource.readSums] has them.
     *
     * Where each target pixel lies in the middle of two source pixels, as with every camera of 2, 4 or 6 times
     * the model's width, (1024 * left + 1024 * right) >> 4 is 64 times that sum. What is left of the weight below
     * it then has few bits, and two channels find room in one Int for all that follows.
     */
    private class MiddleRow(width: Int) : SourceRow() {
        val redBlue = IntArray(width)
        val green = IntArray(width)

        companion object {
            /** 510 * 2048 has 20 bits, of which 16 are there: the weights must do without their last four. */
            private const val SPARE = 4

            fun isEnoughFor(across: Taps, down: Taps): Boolean =
                across.firstWeight.all { it == 1024 } && across.secondWeight.all { it == 1024 } &&
                    down.firstWeight.all { it % (1 shl SPARE) == 0 } && down.secondWeight.all { it % (1 shl SPARE) == 0 }
        }
    }

    private class Middling(like: PixelSource, across: Taps, down: Taps) :
        Interpolating<MiddleRow>(like, across, down, { MiddleRow(across.size) }) {
        override fun readAcross(source: PixelSource, y: Int, row: MiddleRow) = source.readSums(y, pairs, row.redBlue, row.green)

        /**
         * What [Weighing] computes: (w * 64 * sum) >> 16 is (w / 2^z * sum) >> (10 - z) where w ends in z zeros.
         * Bits that the shift takes from a channel into the one below it are cut off.
         */
        override fun blendDown(top: MiddleRow, bottom: MiddleRow, w0: Int, w1: Int, out: IntArray) {
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

    /** For each target pixel along one axis, the two source pixels that it lies between and their weights. */
    private class Taps(source: Int, val size: Int, clampsShare: Boolean) {
        val first = IntArray(size)
        val second = IntArray(size)
        val firstWeight = IntArray(size)
        val secondWeight = IntArray(size)

        init {
            val scale = 1 / (size.toDouble() / source)
            for (index in 0 until size) {
                val position = ((index + 0.5) * scale - 0.5).toFloat()
                val place = Math.floor(position.toDouble()).toInt()
                var start = place
                var share = position - place
                // Across, only the one pixel at the edge counts there; down, both are clipped and keep their weights.
                if (clampsShare) {
                    if (place < 0 || place >= source - 1) share = 0f
                    start = place.coerceIn(0, source - 1)
                }
                first[index] = start.coerceIn(0, source - 1)
                second[index] = (start + 1).coerceIn(0, source - 1)
                firstWeight[index] = whole(1 - share)
                secondWeight[index] = whole(share)
            }
        }

        private fun whole(weight: Float): Int = Math.rint((weight * 2048).toDouble()).toInt()
    }
}
