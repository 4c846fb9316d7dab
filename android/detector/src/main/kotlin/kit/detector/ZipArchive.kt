package kit.detector

import java.nio.ByteBuffer
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater

/**
 * The files packed behind a FlatBuffer as entries of a zip archive, such as a label list; none where
 * there is no archive.
 *
 * Format: PKWARE's APPNOTE.TXT. java.util.zip's own reader of archives wants a file or trusts local
 * headers; a model may be in memory only. Throws [DetectorError.Damaged].
 */
internal class ZipArchive(private val bytes: Bytes) {
    private class Entry(val method: Int, val crc: Long, val packed: Long, val size: Long, val offset: Long)

    private val entries = HashMap<String, Entry>()

    init {
        findEnd()?.let(::readList)
    }

    /** The content of the entry [name], or null where there is none. */
    fun content(name: String): ByteArray? {
        val entry = entries[name] ?: return null
        if (entry.size > MOST_BYTES) throw bytes.damage("$name in it claims ${entry.size} bytes")
        if (bytes.word(entry.offset) != LOCAL_MARK) throw bytes.damage("$name in it is not where its list of files says")
        val start = entry.offset + 30 + bytes.short(entry.offset + 26) + bytes.short(entry.offset + 28)
        val packed = bytes.span(start, entry.packed)
        val content = when (entry.method) {
            STORED -> packed.toArray()
            DEFLATED -> inflate(packed, entry.size.toInt())
            else -> throw DetectorError.Unsupported(bytes.path, "$name in it is packed in a way that cannot be read; give labels")
        }
        val crc = CRC32().apply { update(content) }.value
        if (content.size.toLong() != entry.size || crc != entry.crc) {
            throw bytes.damage("$name in it does not match its check sum")
        }
        return content
    }

    private fun inflate(packed: ByteBuffer, size: Int): ByteArray {
        val inflater = Inflater(true)
        try {
            inflater.setInput(packed.toArray())
            val content = ByteArray(size)
            var filled = 0
            while (filled < size) {
                val more = inflater.inflate(content, filled, size - filled)
                if (more == 0) throw bytes.damage("a packed file in it is cut short")
                filled += more
            }
            return content
        } catch (error: DataFormatException) {
            throw bytes.damage("a packed file in it is broken: ${error.message}")
        } finally {
            inflater.end()
        }
    }

    private fun readList(end: Long) {
        val size = bytes.word(end + 12)
        // Offsets count from the start of the archive, which may lie behind other data.
        val base = end - size - bytes.word(end + 16)
        var position = end - size
        repeat(bytes.short(end + 10)) {
            if (bytes.word(position) != CENTRAL_MARK) throw bytes.damage("its list of files is broken")
            val nameSize = bytes.short(position + 28)
            val name = String(bytes.span(position + 46, nameSize.toLong()).toArray(), Charsets.UTF_8)
            entries[name] = Entry(
                method = bytes.short(position + 10),
                crc = bytes.word(position + 16),
                packed = bytes.word(position + 20),
                size = bytes.word(position + 24),
                offset = base + bytes.word(position + 42),
            )
            position += 46 + nameSize + bytes.short(position + 30) + bytes.short(position + 32)
        }
    }

    /** Where the record at the end begins, which a comment may follow. */
    private fun findEnd(): Long? {
        val last = bytes.size - END_SIZE
        return (last downTo maxOf(0, last - 0xFFFF)).firstOrNull { bytes.word(it.toLong()) == END_MARK }?.toLong()
    }

    private companion object {
        const val END_MARK = 0x0605_4b50L
        const val CENTRAL_MARK = 0x0201_4b50L
        const val LOCAL_MARK = 0x0403_4b50L
        const val END_SIZE = 22
        const val STORED = 0
        const val DEFLATED = 8

        // Label lists are kilobytes; more than this is no associated file but a trap.
        const val MOST_BYTES = 64L shl 20
    }
}
