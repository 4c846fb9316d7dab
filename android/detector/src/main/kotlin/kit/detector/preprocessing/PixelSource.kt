package kit.detector.preprocessing

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.Frame
import kit.detector.Pixels
import kit.detector.Plane
import kit.detector.Rotation

/**
 * Reads a frame's pixels as an upright image. Does no bounds checks: [Frame] has validated the sizes.
 *
 * The offset of a pixel is the sum of a column offset and a row offset, so that rotation costs nothing.
 */
internal abstract class PixelSource(protected val frame: Frame, protected val scratch: Scratch) {
    abstract val shape: Shape

    /**
     * Writes the pixels of the upright row [y] at [columns] to [out], packed with red in the lowest byte, then green,
     * then blue. The highest byte is undefined.
     */
    abstract fun read(y: Int, columns: Columns, out: IntArray)

    /**
     * Reads both columns of each pair. The right neighbor of the image's last column does not exist; its value in
     * [rights] is undefined.
     */
    open fun readPairs(y: Int, pairs: ColumnPairs, lefts: IntArray, rights: IntArray) {
        read(y, pairs.left, lefts)
        read(y, pairs.right, rights)
    }

    /** Writes the sum of each pair: [redBlue] with red in the low and blue in the high 16 bits, and [green] times 256. */
    open fun readSums(y: Int, pairs: ColumnPairs, redBlue: IntArray, green: IntArray) {
        val lefts = scratch.row(0, redBlue.size)
        val rights = scratch.row(1, redBlue.size)
        readPairs(y, pairs, lefts, rights)
        add(lefts, rights, 0xFF00FF, redBlue)
        add(lefts, rights, 0xFF00, green)
    }

    private fun add(lefts: IntArray, rights: IntArray, channels: Int, out: IntArray) {
        for (x in out.indices) out[x] = (lefts[x] and channels) + (rights[x] and channels)
    }

    /** The offsets of the upright columns [xs], valid for any frame of this [shape]. */
    fun columns(xs: IntArray): Columns = columns(IntArray(xs.size) { storedX(xs[it]) }, IntArray(xs.size) { storedY(xs[it]) })

    /** The offsets of pairs of upright columns. Each right column follows its left one or, at the edge, equals it. */
    fun pairs(lefts: IntArray, rights: IntArray) = ColumnPairs(columns(lefts), columns(rights))

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

    /** The contribution of the upright row [y] to the stored x; [rowY] gives that to the stored y. */
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

    /** Byte offsets of columns in the first plane, and in the U and V planes if there are any. */
    class Columns(val first: IntArray, val u: IntArray = NONE, val v: IntArray = NONE) {
        val last: Int = first.max()
    }

    class ColumnPairs(val left: Columns, val right: Columns) {
        /** Whether both pixels of each pair share U and V, as for a camera of twice the model's width. */
        val shareChroma = left.u contentEquals right.u && left.v contentEquals right.v
    }

    companion object {
        private val NONE = IntArray(0)

        fun of(frame: Frame, scratch: Scratch): PixelSource = when (val pixels = frame.pixels) {
            is Pixels.Rgb -> Interleaved(frame, scratch, pixels.plane, 3)
            is Pixels.Rgba -> Interleaved(frame, scratch, pixels.plane, 4)
            is Pixels.Yuv420 -> Planar(frame, scratch, pixels)
        }
    }
}

/** The upright size of a frame and its storage layout. Frames of equal shape have equal pixel offsets. */
internal data class Shape(val width: Int, val height: Int, val rotation: Rotation, val strides: List<Int>) {
    constructor(frame: Frame, vararg planes: Plane) : this(
        frame.uprightWidth, frame.uprightHeight, frame.rotation, planes.flatMap { listOf(it.rowStride, it.pixelStride) },
    )
}

/**
 * Buffers that are reused from frame to frame: copies of planes, since reading single bytes from an array is several
 * times faster than from a buffer, and rows of numbers.
 */
internal class Scratch {
    private val planes = arrayOfNulls<ByteArray>(3)
    private val rows = arrayOfNulls<IntArray>(12)

    class PlaneBytes(val array: ByteArray, val offset: Int)

    /** All bytes of plane number [index], copied unless they are in an array already. */
    fun plane(index: Int, bytes: ByteBuffer): PlaneBytes {
        if (bytes.hasArray()) return PlaneBytes(bytes.array(), bytes.arrayOffset())
        val size = bytes.limit()
        val array = planes[index]?.takeIf { it.size >= size } ?: ByteArray(size).also { planes[index] = it }
        bytes.duplicate().apply { position(0) }.get(array, 0, size)
        return PlaneBytes(array, 0)
    }

    /** A copy of at most [size] bytes of plane number [index] from [start] on. */
    fun bytes(index: Int, plane: ByteBuffer, start: Int, size: Int): ByteArray {
        val array = planes[index]?.takeIf { it.size >= size } ?: ByteArray(size).also { planes[index] = it }
        plane.duplicate().apply { position(start) }.let { it.get(array, 0, minOf(size, it.remaining())) }
        return array
    }

    /** Row buffer number [index], of [size] numbers. */
    fun row(index: Int, size: Int): IntArray = rows[index]?.takeIf { it.size == size } ?: IntArray(size).also { rows[index] = it }
}

/** A source of interleaved pixels, with R, G, B in the first three bytes of each. */
private class Interleaved(frame: Frame, scratch: Scratch, plane: Plane, private val pixelBytes: Int) : PixelSource(frame, scratch) {
    override val shape = Shape(frame, plane)
    private val bytes = plane.bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN)
    private val rowStride = plane.rowStride

    override fun columns(storedX: IntArray, storedY: IntArray) =
        Columns(IntArray(storedX.size) { storedX[it] * pixelBytes + storedY[it] * rowStride })

    override fun read(y: Int, columns: Columns, out: IntArray) {
        val row = rowX(y) * pixelBytes + rowY(y) * rowStride
        val offsets = columns.first
        val bytes = bytes
        // Reading four bytes at once is faster than three, but the last pixel may have only three.
        if (row + columns.last + 4 <= bytes.limit()) {
            for (x in offsets.indices) out[x] = bytes.getInt(row + offsets[x])
        } else {
            for (x in offsets.indices) out[x] = pixel(row + offsets[x])
        }
    }

    /** Reads both pixels of a pair at once if they are adjacent in the buffer. */
    override fun readPairs(y: Int, pairs: ColumnPairs, lefts: IntArray, rights: IntArray) {
        val row = rowX(y) * pixelBytes + rowY(y) * rowStride
        if (frame.rotation != Rotation.NONE || row + pairs.left.last + 8 > bytes.limit()) {
            super.readPairs(y, pairs, lefts, rights)
            return
        }
        val offsets = pairs.left.first
        val bytes = bytes
        val shift = 8 * pixelBytes
        for (x in offsets.indices) {
            val both = bytes.getLong(row + offsets[x])
            lefts[x] = both.toInt()
            rights[x] = (both ushr shift).toInt()
        }
    }

    private fun pixel(position: Int): Int {
        fun channel(index: Int) = bytes.get(position + index).toInt() and 0xFF
        return channel(0) or (channel(1) shl 8) or (channel(2) shl 16)
    }
}

/** A source of YUV 4:2:0 pixels. */
private class Planar(frame: Frame, scratch: Scratch, pixels: Pixels.Yuv420) : PixelSource(frame, scratch) {
    override val shape = Shape(frame, pixels.luma, pixels.u, pixels.v)
    private val conversion = YuvConversion.of(pixels.color)
    private val planes = listOf(pixels.luma, pixels.u, pixels.v)

    /** Planes read as a whole: those in arrays, and all if an upright row crosses all stored rows. The others are null. */
    private val wholePlanes = planes.mapIndexed { index, plane ->
        if (frame.rotation.swapsSides || plane.bytes.hasArray()) scratch.plane(index, plane.bytes) else null
    }
    private val rows = Array(3) { NO_BYTES }
    private val copiedRows = IntArray(3) { -1 }
    private val leftChroma = ChromaRow(2)
    private val rightChroma = ChromaRow(7)

    /** The chroma terms of a row, in the row buffers of [scratch] from [index] on. Kept because the next row often shares them. */
    private inner class ChromaRow(private val index: Int) {
        private var chromaRow = -1
        private var columns: Columns? = null

        fun terms(y: Int, newColumns: Columns): ChromaTerms {
            fun row(number: Int) = scratch.row(index + number, newColumns.u.size)
            val terms = ChromaTerms(row(0), row(1), row(2))
            val newRow = offset(1, 2, rowX(y), rowY(y))
            if (newRow == chromaRow && newColumns === columns) return terms
            gather(1, newRow, newColumns.u, row(3))
            gather(2, offset(2, 2, rowX(y), rowY(y)), newColumns.v, row(4))
            conversion.chroma(row(3), row(4), terms)
            chromaRow = newRow
            columns = newColumns
            return terms
        }
    }

    override fun columns(storedX: IntArray, storedY: IntArray): Columns {
        fun offsets(plane: Int, block: Int) = IntArray(storedX.size) { offset(plane, block, storedX[it], storedY[it]) }
        return Columns(offsets(0, 1), offsets(1, 2), offsets(2, 2))
    }

    override fun read(y: Int, columns: Columns, out: IntArray) = conversion.pixels(luma(y, columns, 0), leftChroma.terms(y, columns), out)

    override fun readPairs(y: Int, pairs: ColumnPairs, lefts: IntArray, rights: IntArray) {
        val terms = leftChroma.terms(y, pairs.left)
        conversion.pixels(luma(y, pairs.left, 0), terms, lefts)
        conversion.pixels(luma(y, pairs.right, 1), if (pairs.shareChroma) terms else rightChroma.terms(y, pairs.right), rights)
    }

    override fun readSums(y: Int, pairs: ColumnPairs, redBlue: IntArray, green: IntArray) {
        val terms = leftChroma.terms(y, pairs.left)
        val rightTerms = if (pairs.shareChroma) terms else rightChroma.terms(y, pairs.right)
        conversion.first(luma(y, pairs.left, 0), terms, redBlue, green)
        conversion.addSecond(luma(y, pairs.right, 1), rightTerms, redBlue, green)
    }

    private fun luma(y: Int, columns: Columns, index: Int): IntArray {
        val row = scratch.row(index, columns.first.size)
        gather(0, offset(0, 1, rowX(y), rowY(y)), columns.first, row)
        conversion.prepare(row)
        return row
    }

    private fun gather(plane: Int, row: Int, offsets: IntArray, out: IntArray) {
        val whole = wholePlanes[plane]
        if (whole != null) {
            gather(whole.array, whole.offset + row, offsets, out)
            return
        }
        if (copiedRows[plane] != row) rows[plane] = scratch.bytes(plane, planes[plane].bytes, row, planes[plane].rowStride)
        copiedRows[plane] = row
        gather(rows[plane], 0, offsets, out)
    }

    private fun gather(bytes: ByteArray, start: Int, offsets: IntArray, out: IntArray) {
        for (x in offsets.indices) out[x] = bytes[start + offsets[x]].toInt() and 0xFF
    }

    private fun offset(plane: Int, block: Int, x: Int, y: Int): Int =
        x / block * planes[plane].pixelStride + y / block * planes[plane].rowStride

    private companion object {
        val NO_BYTES = ByteArray(0)
    }
}
