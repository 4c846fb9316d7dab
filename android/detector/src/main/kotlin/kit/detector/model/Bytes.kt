package kit.detector.model

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError

/** Bounds-checked little-endian access to the bytes of a file; [path] is its name in error messages. */
internal class Bytes(buffer: ByteBuffer, val path: String) {
    private val all: ByteBuffer = buffer.slice().order(ByteOrder.LITTLE_ENDIAN)

    val size: Int get() = all.limit()

    fun int8(position: Long): Int = all.get(checked(position, 1)).toInt()

    fun uint16(position: Long): Int = all.getShort(checked(position, 2)).toInt() and 0xFFFF

    fun int32(position: Long): Int = all.getInt(checked(position, 4))

    fun uint32(position: Long): Long = int32(position).toLong() and 0xFFFF_FFFFL

    fun int64(position: Long): Long = all.getLong(checked(position, 8))

    fun float32(position: Long): Float = all.getFloat(checked(position, 4))

    /** A view of [count] bytes from [position]. Throws [DetectorError.Damaged] if they are out of bounds. */
    fun span(position: Long, count: Long): ByteBuffer {
        val part = all.duplicate()
        part.position(checked(position, count))
        part.limit(part.position() + count.toInt())
        return part.slice().order(ByteOrder.LITTLE_ENDIAN)
    }

    /** [position] as an Int. Throws [DetectorError.Damaged] if the [count] bytes from there are out of bounds. */
    fun checked(position: Long, count: Long): Int {
        if (position < 0 || count < 0 || position > size || count > size - position) {
            throw damaged("it needs $count bytes at offset $position of $size")
        }
        return position.toInt()
    }

    /** Whether the bytes from [position] are those of [identifier], in ASCII. */
    fun hasIdentifier(identifier: String, position: Int): Boolean =
        size >= position + identifier.length && identifier.indices.all { all.get(position + it).toInt() == identifier[it].code }

    fun damaged(reason: String) = DetectorError.Damaged(path, reason)
}

internal fun ByteBuffer.toArray(): ByteArray = ByteArray(remaining()).also { duplicate().get(it) }
