package kit.detector

import java.nio.ByteBuffer

/**
 * A reader of FlatBuffers that trusts nothing in them.
 *
 * Format: https://flatbuffers.dev/internals/ . A table begins with the signed distance back to its
 * vtable, which holds for each field the field's distance from the table, or 0 where it is absent.
 * Every access is checked against the ends of the data, and the sum of what is read is bounded, so
 * that no damaged file makes the reader crash, hang or fill memory.
 */
internal class FlatBuffer(val bytes: Bytes, mark: String) {
    // In a whole file hardly anything is read twice; offsets that all lead to one big string would
    // otherwise make a small file fill memory.
    private var budget = 4L * bytes.size + 1024
    private var tables = 0

    init {
        if (bytes.size < 8 || !bytes.hasMark(mark, 4)) throw bytes.damage("it lacks the mark $mark")
    }

    /** The table that everything else hangs from. */
    fun root() = Table(this, bytes.word(0))

    /** Counts what is read, and gives up on data that leads in circles. */
    fun spend(amount: Long) {
        budget -= amount
        if (budget < 0) throw bytes.damage("its parts point to each other without end")
    }

    fun countTable() {
        tables += 1
        if (tables > MOST_TABLES) throw bytes.damage("it has more than $MOST_TABLES tables")
    }

    private companion object {
        // Detectors have a few thousand tables. A damaged file whose vectors all lead to each other
        // would have any number of them.
        const val MOST_TABLES = 100_000
    }
}

/** One table; fields are given by their number in the schema. */
internal class Table(private val buffer: FlatBuffer, private val position: Long) {
    private val bytes = buffer.bytes
    private val vtable: Long
    private val vtableSize: Int

    init {
        buffer.countTable()
        vtable = position - bytes.int(position)
        vtableSize = bytes.short(vtable)
    }

    /** Scalars of one signed byte, four bytes, or eight; [absent] where the field is. */
    fun byte(field: Int, absent: Int = 0): Int = place(field)?.let(bytes::byte) ?: absent

    fun int(field: Int, absent: Int = 0): Int = place(field)?.let(bytes::int) ?: absent

    /** A uint32. */
    fun word(field: Int): Long = place(field)?.let(bytes::word) ?: 0

    fun long(field: Int): Long = place(field)?.let(bytes::long) ?: 0

    fun float(field: Int): Float = place(field)?.let(bytes::float) ?: 0f

    /** A string; empty where the field is absent. */
    fun text(field: Int): String = String(data(field).toArray(), Charsets.UTF_8)

    /** A vector of bytes, not copied; empty where the field is absent. */
    fun data(field: Int): ByteBuffer {
        val target = target(field) ?: return ByteBuffer.allocate(0)
        val data = bytes.span(target + 4, bytes.word(target))
        buffer.spend(data.remaining().toLong())
        return data
    }

    /** A vector of int32; empty where the field is absent. */
    fun ints(field: Int): List<Int> {
        val data = words(field)
        return List(data.remaining() / 4) { data.getInt(4 * it) }
    }

    /** A vector of float32; empty where the field is absent. */
    fun floats(field: Int): List<Float> {
        val data = words(field)
        return List(data.remaining() / 4) { data.getFloat(4 * it) }
    }

    /** The table of a field, or null where it is absent. */
    fun table(field: Int): Table? = target(field)?.let { Table(buffer, it) }

    /** A vector of tables; empty where the field is absent. */
    fun tables(field: Int): List<Table> {
        val target = target(field) ?: return emptyList()
        val count = bytes.word(target)
        bytes.checked(target + 4, 4 * count)
        return (0 until count).map { index ->
            val slot = target + 4 + 4 * index
            Table(buffer, slot + bytes.word(slot))
        }
    }

    private fun words(field: Int): ByteBuffer {
        val target = target(field) ?: return ByteBuffer.allocate(0)
        val data = bytes.span(target + 4, 4 * bytes.word(target))
        buffer.spend(data.remaining().toLong())
        return data
    }

    private fun place(field: Int): Long? {
        val entry = 4 + 2 * field
        if (entry + 2 > vtableSize) return null
        val offset = bytes.short(vtable + entry)
        return if (offset == 0) null else position + offset
    }

    private fun target(field: Int): Long? = place(field)?.let { it + bytes.word(it) }
}
