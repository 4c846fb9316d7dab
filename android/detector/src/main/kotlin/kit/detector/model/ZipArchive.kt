package kit.detector.model

import java.nio.ByteBuffer
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater
import kit.detector.DetectorError

/**
 * The files appended to a FlatBuffer as a zip archive, such as a label list; empty if there is no archive.
 *
 * Format: PKWARE's APPNOTE.TXT. java.util.zip is not used, since it needs a file or trusts local headers, and a model
 * may be in memory only. The constructor throws [DetectorError.Damaged].
 */
internal class ZipArchive(private val bytes: Bytes) {
    private class Entry(val method: Int, val crc: Long, val packedSize: Long, val size: Long, val offset: Long)

    private val entries = HashMap<String, Entry>()

    init {
        findEndRecord()?.let(::readDirectory)
    }

    /** The content of the entry [name], or null if there is none. */
    fun content(name: String): ByteArray? {
        val entry = entries[name] ?: return null
        if (entry.size > MOST_BYTES) throw bytes.damaged("$name in it claims to have ${entry.size} bytes")
        if (bytes.uint32(entry.offset) != LOCAL_SIGNATURE) throw bytes.damaged("$name in it is not where the central directory says")
        val start = entry.offset + 30 + bytes.uint16(entry.offset + 26) + bytes.uint16(entry.offset + 28)
        val packed = bytes.span(start, entry.packedSize)
        val content = when (entry.method) {
            STORED -> packed.toArray()
            DEFLATED -> inflate(packed, entry.size.toInt())
            else -> throw DetectorError.Unsupported(bytes.path, "$name in it has an unsupported compression method; give labels")
        }
        val crc = CRC32().apply { update(content) }.value
        if (content.size.toLong() != entry.size || crc != entry.crc) {
            throw bytes.damaged("$name in it does not match its checksum")
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
                if (more == 0) throw bytes.damaged("a compressed file in it is truncated")
                filled += more
            }
            return content
        } catch (error: DataFormatException) {
            throw bytes.damaged("a compressed file in it is damaged: ${error.message}")
        } finally {
            inflater.end()
        }
    }

    private fun readDirectory(end: Long) {
        val size = bytes.uint32(end + 12)
        // Offsets are relative to the start of the archive, which may follow other data.
        val base = end - size - bytes.uint32(end + 16)
        var position = end - size
        repeat(bytes.uint16(end + 10)) {
            if (bytes.uint32(position) != CENTRAL_SIGNATURE) throw bytes.damaged("its central directory is damaged")
            val nameSize = bytes.uint16(position + 28)
            val name = String(bytes.span(position + 46, nameSize.toLong()).toArray(), Charsets.UTF_8)
            entries[name] = Entry(
                method = bytes.uint16(position + 10),
                crc = bytes.uint32(position + 16),
                packedSize = bytes.uint32(position + 20),
                size = bytes.uint32(position + 24),
                offset = base + bytes.uint32(position + 42),
            )
            position += 46 + nameSize + bytes.uint16(position + 30) + bytes.uint16(position + 32)
        }
    }

    /** The position of the end of central directory record, which a comment may follow. */
    private fun findEndRecord(): Long? {
        val last = bytes.size - END_SIZE
        return (last downTo maxOf(0, last - 0xFFFF)).firstOrNull { bytes.uint32(it.toLong()) == END_SIGNATURE }?.toLong()
    }

    private companion object {
        const val END_SIGNATURE = 0x0605_4b50L
        const val CENTRAL_SIGNATURE = 0x0201_4b50L
        const val LOCAL_SIGNATURE = 0x0403_4b50L
        const val END_SIZE = 22
        const val STORED = 0
        const val DEFLATED = 8

        // Label files have kilobytes; a larger size indicates a decompression bomb.
        const val MOST_BYTES = 64L shl 20
    }
}
