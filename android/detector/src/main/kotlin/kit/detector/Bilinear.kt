package kit.detector

/**
 * The one bilinear of the kit: `runtime.preprocess.resize` states the arithmetic, and the bytes are the same.
 *
 * Pixel centres are at halves; weights have 11 bits; across first, then down; a picture that is
 * exactly halved is averaged, and one of the right size is copied.
 *
 * Loops over pixels read and write arrays of Int at one index each: the shape that the compilers of the
 * JVM and of Android make vector instructions of. Only [PixelSource] reads pixels one by one.
 */
internal object Bilinear {
    /** Takes the rows of the resized picture, from the top one down. */
    fun interface Rows {
        /**
         * [pixels] are those of the row [y], as [PixelSource.read] gives them; the array has room up to a
         * multiple of four, and is filled anew for the next row.
         */
        fun take(y: Int, pixels: IntArray)
    }

    /** For each target pixel along one axis, the two source pixels that it lies between and their weights. */
    private class Taps(source: Int, target: Int, clampsShare: Boolean) {
        val first = IntArray(target)
        val second = IntArray(target)
        val firstWeight = IntArray(target)
        val secondWeight = IntArray(target)

        init {
            val scale = 1 / (target.toDouble() / source)
            for (index in 0 until target) {
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

    /** Gives the upright picture of [source], [width] x [height], to [rows] as one of [toWidth] x [toHeight]. */
    fun resize(source: PixelSource, width: Int, height: Int, toWidth: Int, toHeight: Int, rows: Rows) {
        val pixels = IntArray((toWidth + 3) / 4 * 4)
        if (width == toWidth && height == toHeight) {
            copy(source, width, height, pixels, rows)
        } else if (width == 2 * toWidth && height == 2 * toHeight) {
            halve(source, toWidth, toHeight, pixels, rows)
        } else {
            interpolate(source, Taps(width, toWidth, true), Taps(height, toHeight, false), pixels, rows)
        }
    }

    private fun copy(source: PixelSource, width: Int, height: Int, pixels: IntArray, rows: Rows) {
        val columns = source.columns(IntArray(width) { it })
        for (y in 0 until height) {
            source.read(y, columns, pixels)
            rows.take(y, pixels)
        }
    }

    private fun halve(source: PixelSource, width: Int, height: Int, pixels: IntArray, rows: Rows) {
        val left = source.columns(IntArray(width) { 2 * it })
        val right = source.columns(IntArray(width) { 2 * it + 1 })
        val (a, b, c, d) = List(4) { IntArray(width) }
        for (y in 0 until height) {
            source.read(2 * y, left, a)
            source.read(2 * y, right, b)
            source.read(2 * y + 1, left, c)
            source.read(2 * y + 1, right, d)
            average(a, b, c, d, pixels)
            rows.take(y, pixels)
        }
    }

    /** Two channels of 8 bits have room for a sum of four where they are 16 bits apart. */
    private fun average(a: IntArray, b: IntArray, c: IntArray, d: IntArray, out: IntArray) {
        for (x in a.indices) {
            val outer = (a[x] and 0xFF00FF) + (b[x] and 0xFF00FF) + (c[x] and 0xFF00FF) + (d[x] and 0xFF00FF) + 0x20002
            val middle = (a[x] and 0xFF00) + (b[x] and 0xFF00) + (c[x] and 0xFF00) + (d[x] and 0xFF00) + 0x200
            out[x] = (outer shr 2 and 0xFF00FF) or (middle shr 2 and 0xFF00)
        }
    }

    private fun interpolate(source: PixelSource, across: Taps, down: Taps, pixels: IntArray, rows: Rows) {
        val left = source.columns(across.first)
        val right = source.columns(across.second)
        val lefts = IntArray(across.first.size)
        val rights = IntArray(across.first.size)
        // Neighbours in the target share their source rows, or one of them.
        var upper = SourceRow(across.first.size)
        var lower = SourceRow(across.first.size)
        fun fill(row: SourceRow, place: Int) {
            if (row.y == place) return
            source.read(place, left, lefts)
            source.read(place, right, rights)
            row.blend(lefts, rights, across.secondWeight)
            row.y = place
        }
        for (y in down.first.indices) {
            val wanted = down.first[y]
            if (upper.y != wanted && lower.y == wanted) upper = lower.also { lower = upper }
            fill(upper, wanted)
            fill(lower, down.second[y])
            blendDown(upper, lower, down.firstWeight[y], down.secondWeight[y], pixels)
            rows.take(y, pixels)
        }
    }

    /** The row [y] of the source at the target's columns, by channel, at most 255 * 2048 / 16. */
    private class SourceRow(width: Int) {
        var y = -1
        val red = IntArray(width)
        val green = IntArray(width)
        val blue = IntArray(width)

        /**
         * (w0 * left + w1 * right) >> 4 of each channel, [weights] being w1.
         *
         * For a target of up to [Preprocessor.MOST_SIDE], w0 + w1 is 2048 across: rounding could only make another
         * sum where f is nearer than 2^-24 to half a step of the weights without lying there, and what lies beside
         * it is 1 / (4096 * side) away. So this is 128 * left + (w1 * (right - left)) >> 4.
         */
        fun blend(left: IntArray, right: IntArray, weights: IntArray) {
            for (x in red.indices) {
                val weight = weights[x]
                val first = left[x] and 0xFF
                val second = left[x] shr 8 and 0xFF
                val third = left[x] shr 16 and 0xFF
                red[x] = (first shl 7) + (weight * ((right[x] and 0xFF) - first) shr 4)
                green[x] = (second shl 7) + (weight * ((right[x] shr 8 and 0xFF) - second) shr 4)
                blue[x] = (third shl 7) + (weight * ((right[x] shr 16 and 0xFF) - third) shr 4)
            }
        }
    }

    /** (((w0 * top) >> 16) + ((w1 * bottom) >> 16) + 2) >> 2 */
    private fun blendDown(top: SourceRow, bottom: SourceRow, w0: Int, w1: Int, out: IntArray) {
        for (x in top.red.indices) {
            val red = ((w0 * top.red[x]) shr 16) + ((w1 * bottom.red[x]) shr 16) + 2
            val green = ((w0 * top.green[x]) shr 16) + ((w1 * bottom.green[x]) shr 16) + 2
            val blue = ((w0 * top.blue[x]) shr 16) + ((w1 * bottom.blue[x]) shr 16) + 2
            out[x] = (red shr 2) or (green shr 2 shl 8) or (blue shr 2 shl 16)
        }
    }
}
