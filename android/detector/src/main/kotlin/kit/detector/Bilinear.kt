package kit.detector

/**
 * The one bilinear of the kit: `runtime.preprocess.resize` states the arithmetic, and the bytes are the same.
 *
 * Pixel centres are at halves; weights have 11 bits; across first, then down; a picture that is
 * exactly halved is averaged, and one of the right size is copied.
 */
internal object Bilinear {
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

    /** Writes the upright picture, [width] x [height], as RGB bytes of [toWidth] x [toHeight] to [target]. */
    fun resize(source: PixelSource, width: Int, height: Int, toWidth: Int, toHeight: Int, target: ByteArray) {
        if (width == toWidth && height == toHeight) {
            copy(source, width, height, target)
        } else if (width == 2 * toWidth && height == 2 * toHeight) {
            halve(source, toWidth, toHeight, target)
        } else {
            interpolate(source, Taps(width, toWidth, true), Taps(height, toHeight, false), target)
        }
    }

    private fun copy(source: PixelSource, width: Int, height: Int, target: ByteArray) {
        val columns = source.columns(IntArray(width) { it })
        val row = ByteArray(3 * width)
        for (y in 0 until height) {
            source.read(y, columns, row)
            row.copyInto(target, y * row.size)
        }
    }

    private fun halve(source: PixelSource, width: Int, height: Int, target: ByteArray) {
        val columns = source.columns(IntArray(2 * width) { it })
        val top = ByteArray(6 * width)
        val bottom = ByteArray(6 * width)
        var out = 0
        for (y in 0 until height) {
            source.read(2 * y, columns, top)
            source.read(2 * y + 1, columns, bottom)
            for (x in 0 until width) {
                for (place in 6 * x until 6 * x + 3) {
                    val sum = unsigned(top, place) + unsigned(top, place + 3) + unsigned(bottom, place) + unsigned(bottom, place + 3)
                    target[out++] = ((sum + 2) shr 2).toByte()
                }
            }
        }
    }

    private fun interpolate(source: PixelSource, across: Taps, down: Taps, target: ByteArray) {
        val blender = Blender(source, across)
        val width = 3 * across.first.size
        var upper = IntArray(width)
        var lower = IntArray(width)
        // Which source rows `upper` and `lower` hold; neighbours in the target share theirs.
        var held = -1
        var heldNext = -1
        for (y in down.first.indices) {
            val top = down.first[y]
            val bottom = down.second[y]
            if (top == heldNext && top != held) {
                upper = lower.also { lower = upper }
                held = heldNext.also { heldNext = held }
            }
            if (top != held) {
                blender.blend(top, upper)
                held = top
            }
            if (bottom != heldNext) {
                blender.blend(bottom, lower)
                heldNext = bottom
            }
            blendDown(upper, lower, down.firstWeight[y], down.secondWeight[y], target, y * width)
        }
    }

    /** Source rows at the target's columns: (w0 * left + w1 * right) >> 4. */
    private class Blender(private val source: PixelSource, private val taps: Taps) {
        private val leftColumns = source.columns(taps.first)
        private val rightColumns = source.columns(taps.second)
        private val buffer = Array(2) { ByteArray(3 * taps.first.size) }

        fun blend(row: Int, out: IntArray) =
            source.blend(row, leftColumns, rightColumns, taps.firstWeight, taps.secondWeight, buffer, out)
    }

    private fun blendDown(upper: IntArray, lower: IntArray, w0: Int, w1: Int, target: ByteArray, start: Int) {
        for (index in upper.indices) {
            val sum = ((w0 * upper[index]) shr 16) + ((w1 * lower[index]) shr 16)
            target[start + index] = ((sum + 2) shr 2).toByte()
        }
    }

    private fun unsigned(bytes: ByteArray, place: Int): Int = bytes[place].toInt() and 0xFF
}
