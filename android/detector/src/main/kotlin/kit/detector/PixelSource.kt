package kit.detector

import java.nio.ByteBuffer

/**
 * The upright picture in a frame's bytes, whichever way it is stored. Nothing is checked: [Frame] has done that.
 *
 * Where a pixel lies is the sum of what its column and its row add, so that rotation costs nothing.
 */
internal abstract class PixelSource(private val frame: Frame) {
    /** Writes R, G, B of the chosen pixels of the upright row [y] to [out]. */
    abstract fun read(y: Int, columns: Columns, out: ByteArray)

    /**
     * Writes (w0 * left + w1 * right) >> 4 of each channel of the chosen pairs of the upright row [y] to [out].
     *
     * [buffer] has room for two rows of pixels.
     */
    open fun blend(y: Int, left: Columns, right: Columns, w0: IntArray, w1: IntArray, buffer: Array<ByteArray>, out: IntArray) {
        val (lefts, rights) = buffer
        read(y, left, lefts)
        read(y, right, rights)
        var place = 0
        for (x in w0.indices) {
            val first = w0[x]
            val second = w1[x]
            out[place] = blended(first, lefts[place], second, rights[place])
            out[place + 1] = blended(first, lefts[place + 1], second, rights[place + 1])
            out[place + 2] = blended(first, lefts[place + 2], second, rights[place + 2])
            place += 3
        }
    }

    protected fun blended(w0: Int, left: Byte, w1: Int, right: Byte): Int =
        (w0 * (left.toInt() and 0xFF) + w1 * (right.toInt() and 0xFF)) shr 4

    /** What the upright columns [xs] add to the place of a pixel. */
    fun columns(xs: IntArray): Columns = columns(IntArray(xs.size) { storedX(xs[it]) }, IntArray(xs.size) { storedY(xs[it]) })

    protected abstract fun columns(storedX: IntArray, storedY: IntArray): Columns

    private fun storedX(x: Int): Int = when (frame.rotation) {
        Rotation.NONE -> x
        Rotation.HALF -> frame.width - 1 - x
        Rotation.RIGHT, Rotation.LEFT -> 0
    }

    private fun storedY(x: Int): Int = when (frame.rotation) {
        Rotation.RIGHT -> frame.height - 1 - x
        Rotation.LEFT -> x
        Rotation.NONE, Rotation.HALF -> 0
    }

    /** What the upright row [y] adds to the stored x and y. */
    protected fun rowX(y: Int): Int = when (frame.rotation) {
        Rotation.RIGHT -> y
        Rotation.LEFT -> frame.width - 1 - y
        Rotation.NONE, Rotation.HALF -> 0
    }

    protected fun rowY(y: Int): Int = when (frame.rotation) {
        Rotation.NONE -> y
        Rotation.HALF -> frame.height - 1 - y
        Rotation.RIGHT, Rotation.LEFT -> 0
    }

    /** Byte offsets of columns in the first plane, and in U and V where there are such. */
    class Columns(val first: IntArray, val u: IntArray = NONE, val v: IntArray = NONE)

    companion object {
        private val NONE = IntArray(0)

        fun of(frame: Frame, scratch: Scratch): PixelSource = when (val pixels = frame.pixels) {
            is Pixels.Rgb -> Interleaved(frame, pixels.plane, 3, scratch)
            is Pixels.Rgba -> Interleaved(frame, pixels.plane, 4, scratch)
            is Pixels.Yuv420 -> Planar(frame, pixels, scratch)
        }
    }
}

/**
 * Planes as arrays: reading a buffer byte by byte is several times slower, and copying one whole is not.
 * The arrays are kept for the next frame.
 */
internal class Scratch {
    private val arrays = arrayOfNulls<ByteArray>(3)

    class Part(val array: ByteArray, val offset: Int)

    fun array(index: Int, bytes: ByteBuffer): Part {
        if (bytes.hasArray()) return Part(bytes.array(), bytes.arrayOffset())
        val size = bytes.limit()
        val array = arrays[index]?.takeIf { it.size >= size } ?: ByteArray(size).also { arrays[index] = it }
        bytes.duplicate().apply { position(0) }.get(array, 0, size)
        return Part(array, 0)
    }
}

/** Pixels whose channels lie side by side: R, G, B from the first byte on. */
private class Interleaved(frame: Frame, plane: Plane, private val pixelBytes: Int, scratch: Scratch) : PixelSource(frame) {
    private val part = scratch.array(0, plane.bytes)
    private val rowStride = plane.rowStride

    override fun columns(storedX: IntArray, storedY: IntArray) =
        Columns(IntArray(storedX.size) { storedX[it] * pixelBytes + storedY[it] * rowStride })

    override fun read(y: Int, columns: Columns, out: ByteArray) {
        val bytes = part.array
        val row = part.offset + rowX(y) * pixelBytes + rowY(y) * rowStride
        val places = columns.first
        var place = 0
        for (column in places) {
            val pixel = row + column
            out[place] = bytes[pixel]
            out[place + 1] = bytes[pixel + 1]
            out[place + 2] = bytes[pixel + 2]
            place += 3
        }
    }

    /** The same as for others, without copying pixels first. */
    override fun blend(y: Int, left: Columns, right: Columns, w0: IntArray, w1: IntArray, buffer: Array<ByteArray>, out: IntArray) {
        val bytes = part.array
        val row = part.offset + rowX(y) * pixelBytes + rowY(y) * rowStride
        val lefts = left.first
        val rights = right.first
        var place = 0
        for (x in w0.indices) {
            val one = row + lefts[x]
            val other = row + rights[x]
            val first = w0[x]
            val second = w1[x]
            out[place] = blended(first, bytes[one], second, bytes[other])
            out[place + 1] = blended(first, bytes[one + 1], second, bytes[other + 1])
            out[place + 2] = blended(first, bytes[one + 2], second, bytes[other + 2])
            place += 3
        }
    }
}

/** Luma by pixel, U and V by block of 2 x 2. */
private class Planar(frame: Frame, pixels: Pixels.Yuv420, scratch: Scratch) : PixelSource(frame) {
    private val factors = pixels.color.factors
    private val planes = listOf(pixels.luma, pixels.u, pixels.v)
    private val parts = planes.mapIndexed { index, plane -> scratch.array(index, plane.bytes) }

    override fun columns(storedX: IntArray, storedY: IntArray): Columns {
        fun offsets(plane: Int, block: Int) = IntArray(storedX.size) { offset(plane, block, storedX[it], storedY[it]) }
        return Columns(offsets(0, 1), offsets(1, 2), offsets(2, 2))
    }

    override fun read(y: Int, columns: Columns, out: ByteArray) {
        val x = rowX(y)
        val row = rowY(y)
        val lumaRow = parts[0].offset + offset(0, 1, x, row)
        val uRow = parts[1].offset + offset(1, 2, x, row)
        val vRow = parts[2].offset + offset(2, 2, x, row)
        val luma = parts[0].array
        val u = parts[1].array
        val v = parts[2].array
        for (index in columns.first.indices) {
            factors.rgb(
                luma[lumaRow + columns.first[index]], u[uRow + columns.u[index]], v[vRow + columns.v[index]], out, 3 * index,
            )
        }
    }

    private fun offset(plane: Int, block: Int, x: Int, y: Int): Int =
        x / block * planes[plane].pixelStride + y / block * planes[plane].rowStride
}
