package kit.detector

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The upright picture in a frame's bytes, whichever way it is stored. Nothing is checked: [Frame] has done that.
 *
 * Where a pixel lies is the sum of what its column and its row add, so that rotation costs nothing.
 */
internal abstract class PixelSource(protected val frame: Frame, protected val scratch: Scratch) {
    abstract val shape: Shape

    /**
     * Writes the chosen pixels of the upright row [y] to [out]: red in the lowest byte, then green, then blue.
     * The highest byte means nothing.
     */
    abstract fun read(y: Int, columns: Columns, out: IntArray)

    /**
     * Does so for both columns of each pair. Beside the last column of the picture there is none: what [rights] has
     * there means nothing.
     */
    open fun readPairs(y: Int, pairs: ColumnPairs, lefts: IntArray, rights: IntArray) {
        read(y, pairs.left, lefts)
        read(y, pairs.right, rights)
    }

    /** Writes the sums of both columns of each pair: red's in the low and blue's in the high half, and 256 times green's. */
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

    /** What the upright columns [xs] add to the place of a pixel, in any frame of this [shape]. */
    fun columns(xs: IntArray): Columns = columns(IntArray(xs.size) { storedX(xs[it]) }, IntArray(xs.size) { storedY(xs[it]) })

    /** Those of the upright columns [lefts] and [rights], each the next one of its left one or, at the edge, the same. */
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
    class Columns(val first: IntArray, val u: IntArray = NONE, val v: IntArray = NONE) {
        val last: Int = first.max()
    }

    class ColumnPairs(val left: Columns, val right: Columns) {
        /** Whether both of each pair have the same U and V, as where a camera has twice the model's width. */
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

/** The upright size of a frame, and how its pixels are stored: where that is the same, so are the places of all pixels. */
internal data class Shape(val width: Int, val height: Int, val rotation: Rotation, val strides: List<Int>) {
    constructor(frame: Frame, vararg planes: Plane) : this(
        frame.uprightWidth, frame.uprightHeight, frame.rotation, planes.flatMap { listOf(it.rowStride, it.pixelStride) },
    )
}

/**
 * Arrays that are kept for the next frame: planes, since reading a buffer byte by byte is several times
 * slower than an array, and copying one whole is not; and numbers by pixel of a row.
 */
internal class Scratch {
    private val planes = arrayOfNulls<ByteArray>(3)
    private val rows = arrayOfNulls<IntArray>(12)

    class Part(val array: ByteArray, val offset: Int)

    fun plane(index: Int, bytes: ByteBuffer): Part {
        if (bytes.hasArray()) return Part(bytes.array(), bytes.arrayOffset())
        val size = bytes.limit()
        val array = planes[index]?.takeIf { it.size >= size } ?: ByteArray(size).also { planes[index] = it }
        bytes.duplicate().apply { position(0) }.get(array, 0, size)
        return Part(array, 0)
    }

    /** At most [size] bytes of a plane from [start] on. */
    fun bytes(index: Int, plane: ByteBuffer, start: Int, size: Int): ByteArray {
        val array = planes[index]?.takeIf { it.size >= size } ?: ByteArray(size).also { planes[index] = it }
        plane.duplicate().apply { position(start) }.let { it.get(array, 0, minOf(size, it.remaining())) }
        return array
    }

    fun row(index: Int, size: Int): IntArray = rows[index]?.takeIf { it.size == size } ?: IntArray(size).also { rows[index] = it }
}

/** Pixels whose channels lie side by side: R, G, B from the first byte on. */
private class Interleaved(frame: Frame, scratch: Scratch, plane: Plane, private val pixelBytes: Int) : PixelSource(frame, scratch) {
    override val shape = Shape(frame, plane)
    private val bytes = plane.bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN)
    private val rowStride = plane.rowStride

    override fun columns(storedX: IntArray, storedY: IntArray) =
        Columns(IntArray(storedX.size) { storedX[it] * pixelBytes + storedY[it] * rowStride })

    override fun read(y: Int, columns: Columns, out: IntArray) {
        val row = rowX(y) * pixelBytes + rowY(y) * rowStride
        val places = columns.first
        val bytes = bytes
        // Four bytes at once are read faster than three, but the very last pixel may have only three.
        if (row + columns.last + 4 <= bytes.limit()) {
            for (x in places.indices) out[x] = bytes.getInt(row + places[x])
        } else {
            for (x in places.indices) out[x] = pixel(row + places[x])
        }
    }

    /** Neighbours in one row of the buffer are read at once. */
    override fun readPairs(y: Int, pairs: ColumnPairs, lefts: IntArray, rights: IntArray) {
        val row = rowX(y) * pixelBytes + rowY(y) * rowStride
        if (frame.rotation != Rotation.NONE || row + pairs.left.last + 8 > bytes.limit()) {
            super.readPairs(y, pairs, lefts, rights)
            return
        }
        val places = pairs.left.first
        val bytes = bytes
        val shift = 8 * pixelBytes
        for (x in places.indices) {
            val both = bytes.getLong(row + places[x])
            lefts[x] = both.toInt()
            rights[x] = (both ushr shift).toInt()
        }
    }

    private fun pixel(place: Int): Int {
        fun channel(index: Int) = bytes.get(place + index).toInt() and 0xFF
        return channel(0) or (channel(1) shl 8) or (channel(2) shl 16)
    }
}

/** Luma by pixel, U and V by block of 2 x 2. */
private class Planar(frame: Frame, scratch: Scratch, pixels: Pixels.Yuv420) : PixelSource(frame, scratch) {
    override val shape = Shape(frame, pixels.luma, pixels.u, pixels.v)
    private val conversion = pixels.color.conversion
    private val planes = listOf(pixels.luma, pixels.u, pixels.v)

    /** Whole planes, where each row of the upright picture goes through all of their rows, and those that need no copy. */
    private val parts = planes.mapIndexed { index, plane ->
        if (frame.rotation.swapsSides || plane.bytes.hasArray()) scratch.plane(index, plane.bytes) else null
    }
    private val rows = Array(3) { NOTHING }
    private val copied = IntArray(3) { -1 }
    private val ofLefts = ChromaRow(2)
    private val ofRights = ChromaRow(7)

    /** What chroma adds to the pixels of a row, in the rows from [index] on of [scratch]; the next row often has the same. */
    private inner class ChromaRow(private val index: Int) {
        private var place = -1
        private var columns: Columns? = null

        fun terms(y: Int, wanted: Columns): ChromaTerms {
            fun row(number: Int) = scratch.row(index + number, wanted.u.size)
            val terms = ChromaTerms(row(0), row(1), row(2))
            val newPlace = offset(1, 2, rowX(y), rowY(y))
            if (newPlace == place && wanted === columns) return terms
            gather(1, newPlace, wanted.u, row(3))
            gather(2, offset(2, 2, rowX(y), rowY(y)), wanted.v, row(4))
            conversion.chroma(row(3), row(4), terms)
            place = newPlace
            columns = wanted
            return terms
        }
    }

    override fun columns(storedX: IntArray, storedY: IntArray): Columns {
        fun offsets(plane: Int, block: Int) = IntArray(storedX.size) { offset(plane, block, storedX[it], storedY[it]) }
        return Columns(offsets(0, 1), offsets(1, 2), offsets(2, 2))
    }

    override fun read(y: Int, columns: Columns, out: IntArray) = conversion.pixels(luma(y, columns, 0), ofLefts.terms(y, columns), out)

    override fun readPairs(y: Int, pairs: ColumnPairs, lefts: IntArray, rights: IntArray) {
        val terms = ofLefts.terms(y, pairs.left)
        conversion.pixels(luma(y, pairs.left, 0), terms, lefts)
        conversion.pixels(luma(y, pairs.right, 1), if (pairs.shareChroma) terms else ofRights.terms(y, pairs.right), rights)
    }

    override fun readSums(y: Int, pairs: ColumnPairs, redBlue: IntArray, green: IntArray) {
        val terms = ofLefts.terms(y, pairs.left)
        val termsOfRights = if (pairs.shareChroma) terms else ofRights.terms(y, pairs.right)
        conversion.first(luma(y, pairs.left, 0), terms, redBlue, green)
        conversion.addSecond(luma(y, pairs.right, 1), termsOfRights, redBlue, green)
    }

    private fun luma(y: Int, columns: Columns, index: Int): IntArray {
        val row = scratch.row(index, columns.first.size)
        gather(0, offset(0, 1, rowX(y), rowY(y)), columns.first, row)
        conversion.prepare(row)
        return row
    }

    private fun gather(plane: Int, row: Int, places: IntArray, out: IntArray) {
        val part = parts[plane]
        if (part != null) {
            gather(part.array, part.offset + row, places, out)
            return
        }
        if (copied[plane] != row) rows[plane] = scratch.bytes(plane, planes[plane].bytes, row, planes[plane].rowStride)
        copied[plane] = row
        gather(rows[plane], 0, places, out)
    }

    private fun gather(bytes: ByteArray, start: Int, places: IntArray, out: IntArray) {
        for (x in places.indices) out[x] = bytes[start + places[x]].toInt() and 0xFF
    }

    private fun offset(plane: Int, block: Int, x: Int, y: Int): Int =
        x / block * planes[plane].pixelStride + y / block * planes[plane].rowStride

    private companion object {
        val NOTHING = ByteArray(0)
    }
}
