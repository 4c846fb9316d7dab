package kit.detector

import java.nio.ByteBuffer

/**
 * What `raw_head.bin`, packed into a file that ends before the post-processing, says of its two outputs.
 *
 * The layout is stated in `runtime/raw_head.py`: a header of 48 bytes, then an anchor every 16 bytes,
 * little-endian. Throws [DetectorError.Damaged] where [bytes] have another one, or numbers that make no sense.
 */
internal class RawHead(bytes: Bytes) {
    /** yc, xc, h, w of each anchor relative to the picture. */
    val anchors: FloatArray
    val classes: Int

    /** The column of class 0 among the logits. */
    val first: Int
    val detections: Int
    val score: Float
    val iou: Float

    /** What codes ty, tx, th, tw are divided by. */
    val scales: FloatArray

    val anchorCount: Int get() = anchors.size / 4

    init {
        if (bytes.size < HEADER_SIZE || !bytes.hasMark(MARK, 0)) throw bytes.damage("it lacks the mark $MARK")
        val version = bytes.word(4)
        if (version != VERSION) throw DetectorError.Unsupported(bytes.path, "its layout has version $version, not $VERSION")
        val count = bytes.word(8)
        if (bytes.size.toLong() != HEADER_SIZE + 16 * count) throw bytes.damage("$count anchors do not fit its ${bytes.size} bytes")
        classes = bytes.int(12)
        first = bytes.int(16)
        detections = bytes.int(20)
        score = bytes.float(24)
        iou = bytes.float(28)
        scales = FloatArray(4) { bytes.float(32L + 4 * it) }
        anchors = FloatArray(4 * count.toInt()) { bytes.float(HEADER_SIZE + 4L * it) }
        val isSound = count > 0 && classes > 0 && detections > 0 && first in 0..1 && score in 0f..1f && iou > 0 && iou <= 1
        if (!isSound || scales.any { !(it > 0) } || anchors.any { !it.isFinite() }) throw bytes.damage("its numbers make no sense")
    }

    companion object {
        private const val FILE = "raw_head.bin"
        private const val MARK = "RAWH"
        private const val VERSION = 1L
        private const val HEADER_SIZE = 48L

        /**
         * What [model] says of its raw outputs, or null where its metadata names no such file.
         *
         * Throws [DetectorError.Damaged] where the file is missing or broken, [DetectorError.NotADetector]
         * where the outputs are others.
         */
        fun of(model: Model, metadata: Metadata?): RawHead? {
            if (metadata == null || metadata.allFiles.none { it.name == FILE }) return null
            val content = ZipArchive(model.bytes).content(FILE)
                ?: throw model.bytes.damage("its metadata names $FILE, which is not in it")
            val head = RawHead(Bytes(ByteBuffer.wrap(content), "${model.path}: $FILE"))
            val shapes = model.outputs.map { model.tensors[it].shape }
            val wanted = listOf(listOf(1, head.anchorCount, 4), listOf(1, head.anchorCount, head.first + head.classes))
            if (shapes != wanted) {
                val reason = "its outputs are $shapes, but $FILE in it is for $wanted; convert it again"
                throw DetectorError.NotADetector(model.path, reason)
            }
            return head
        }
    }
}
