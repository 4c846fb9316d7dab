package kit.detector

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The bytes of a file with checked little-endian access, from a memory map or an array; [path] is what errors call them. */
internal class Bytes(buffer: ByteBuffer, val path: String) {
    private val all: ByteBuffer = buffer.slice().order(ByteOrder.LITTLE_ENDIAN)

    val size: Int get() = all.limit()

    fun byte(position: Long): Int = all.get(checked(position, 1)).toInt()

    fun short(position: Long): Int = all.getShort(checked(position, 2)).toInt() and 0xFFFF

    fun int(position: Long): Int = all.getInt(checked(position, 4))

    /** A uint32. */
    fun word(position: Long): Long = int(position).toLong() and 0xFFFF_FFFFL

    fun long(position: Long): Long = all.getLong(checked(position, 8))

    fun float(position: Long): Float = all.getFloat(checked(position, 4))

    /** [count] bytes from [position], not copied. Throws [DetectorError.Damaged] where they do not lie within. */
    fun span(position: Long, count: Long): ByteBuffer {
        val part = all.duplicate()
        part.position(checked(position, count))
        part.limit(part.position() + count.toInt())
        return part.slice().order(ByteOrder.LITTLE_ENDIAN)
    }

    /** The place of [count] bytes from [position]. Throws [DetectorError.Damaged] where they do not lie within. */
    fun checked(position: Long, count: Long): Int {
        if (position < 0 || count < 0 || position > size || count > size - position) {
            throw damage("it wants $count bytes at byte $position of $size")
        }
        return position.toInt()
    }

    /** Whether the four bytes from [position] are [mark]. */
    fun hasMark(mark: String, position: Int): Boolean =
        size >= position + mark.length && mark.indices.all { all.get(position + it).toInt() == mark[it].code }

    fun damage(reason: String) = DetectorError.Damaged(path, reason)
}

internal fun ByteBuffer.toArray(): ByteArray = ByteArray(remaining()).also { duplicate().get(it) }
