package kit.detector.model

import java.nio.ByteBuffer

/**
 * A reader of untrusted FlatBuffers.
 *
 * Format: https://flatbuffers.dev/internals/ . A table begins with the signed offset back to its vtable, which holds
 * the offset of each field from the table, or 0 if the field is absent. Every access is bounds-checked and the total
 * number of bytes read is limited, so that a damaged file cannot cause a crash, a hang or excessive memory use.
 */
internal class FlatBuffer(val bytes: Bytes, identifier: String) {
    // A valid file is read about once. The limit stops a small damaged file whose offsets all lead to one large
    // string from filling memory.
    private var budget = 4L * bytes.size + 1024
    private var tables = 0

    init {
        if (bytes.size < 8 || !bytes.hasIdentifier(identifier, 4)) throw bytes.damaged("it lacks the identifier $identifier")
    }

    /** The root table. */
    fun root() = Table(this, bytes.uint32(0))

    /** Counts [amount] bytes as read. Throws [DetectorError.Damaged] if the limit is exceeded. */
    fun spend(amount: Long) {
        budget -= amount
        if (budget < 0) throw bytes.damaged("its offsets form a cycle")
    }

    fun countTable() {
        tables += 1
        if (tables > MOST_TABLES) throw bytes.damaged("it has more than $MOST_TABLES tables")
    }

    private companion object {
        // Detectors have a few thousand tables. A damaged file whose vectors refer to each other has no bound.
        const val MOST_TABLES = 100_000
    }
}

/** A FlatBuffers table. Fields are identified by their number in the schema. */
internal class Table(private val buffer: FlatBuffer, private val position: Long) {
    private val bytes = buffer.bytes
    private val vtable: Long
    private val vtableSize: Int

    init {
        buffer.countTable()
        vtable = position - bytes.int32(position)
        vtableSize = bytes.uint16(vtable)
    }

    /** An int8; [absent] if the field is absent. */
    fun int8(field: Int, absent: Int = 0): Int = offset(field)?.let(bytes::int8) ?: absent

    /** An int32; [absent] if the field is absent. */
    fun int32(field: Int, absent: Int = 0): Int = offset(field)?.let(bytes::int32) ?: absent

    /** A uint32; 0 if the field is absent. */
    fun uint32(field: Int): Long = offset(field)?.let(bytes::uint32) ?: 0

    fun int64(field: Int): Long = offset(field)?.let(bytes::int64) ?: 0

    fun float32(field: Int): Float = offset(field)?.let(bytes::float32) ?: 0f

    /** A string; empty if the field is absent. */
    fun text(field: Int): String = String(data(field).toArray(), Charsets.UTF_8)

    /** A vector of bytes, not copied; empty if the field is absent. */
    fun data(field: Int): ByteBuffer {
        val target = target(field) ?: return ByteBuffer.allocate(0)
        val data = bytes.span(target + 4, bytes.uint32(target))
        buffer.spend(data.remaining().toLong())
        return data
    }

    /** A vector of int32; empty if the field is absent. */
    fun ints(field: Int): List<Int> {
        val data = vector(field, 4)
        return List(data.remaining() / 4) { data.getInt(4 * it) }
    }

    /** A vector of float32; empty if the field is absent. */
    fun floats(field: Int): List<Float> {
        val data = vector(field, 4)
        return List(data.remaining() / 4) { data.getFloat(4 * it) }
    }

    /** A vector of int64; empty if the field is absent. */
    fun longs(field: Int): List<Long> {
        val data = vector(field, 8)
        return List(data.remaining() / 8) { data.getLong(8 * it) }
    }

    /** The table of a field, or null if it is absent. */
    fun table(field: Int): Table? = target(field)?.let { Table(buffer, it) }

    /** A vector of tables; empty if the field is absent. */
    fun tables(field: Int): List<Table> {
        val target = target(field) ?: return emptyList()
        val count = bytes.uint32(target)
        bytes.checked(target + 4, 4 * count)
        return (0 until count).map { index ->
            val slot = target + 4 + 4 * index
            Table(buffer, slot + bytes.uint32(slot))
        }
    }

    private fun vector(field: Int, elementBytes: Int): ByteBuffer {
        val target = target(field) ?: return ByteBuffer.allocate(0)
        val data = bytes.span(target + 4, elementBytes * bytes.uint32(target))
        buffer.spend(data.remaining().toLong())
        return data
    }

    private fun offset(field: Int): Long? {
        val entry = 4 + 2 * field
        if (entry + 2 > vtableSize) return null
        val fieldOffset = bytes.uint16(vtable + entry)
        return if (fieldOffset == 0) null else position + fieldOffset
    }

    private fun target(field: Int): Long? = offset(field)?.let { it + bytes.uint32(it) }
}
