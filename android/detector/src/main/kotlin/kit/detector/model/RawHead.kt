package kit.detector.model

import java.nio.ByteBuffer
import kit.detector.DetectorError

/**
 * The contents of `raw_head.bin`, which describes the two outputs of a model without post-processing.
 *
 * `runtime/model/raw_head.py` specifies the layout: a header of 48 bytes, the number of candidates from version 2 on, then
 * 16 bytes per anchor, little-endian.
 * The constructor throws [DetectorError.Damaged] if the layout or a value is not valid.
 */
internal class RawHead(bytes: Bytes) {
    /** Center y, center x, height and width of each anchor, relative to the image size. */
    val anchors: FloatArray
    val classes: Int

    /** The column of class 0 in the logits: 1 if there is a background column, else 0. */
    val first: Int
    val detections: Int
    val score: Float
    val iou: Float

    /** The divisors of the box codes ty, tx, th, tw. */
    val scales: FloatArray

    /** How many pairs of anchor and class are looked at; 0 stands for version 1, whose rules have no such number. */
    val candidates: Int

    val anchorCount: Int get() = anchors.size / 4

    init {
        if (bytes.size < HEADER_SIZE || !bytes.hasIdentifier(IDENTIFIER, 0)) throw bytes.damaged("it lacks the identifier $IDENTIFIER")
        val version = bytes.uint32(4)
        if (version !in 1..VERSION) throw DetectorError.Unsupported(bytes.path, "its layout has version $version, not 1 to $VERSION")
        val count = bytes.uint32(8)
        val start = HEADER_SIZE + if (version > 1) 4 else 0
        if (bytes.size.toLong() != start + 16 * count) throw bytes.damaged("$count anchors do not fit its ${bytes.size} bytes")
        classes = bytes.int32(12)
        first = bytes.int32(16)
        detections = bytes.int32(20)
        score = bytes.float32(24)
        iou = bytes.float32(28)
        scales = FloatArray(4) { bytes.float32(32L + 4 * it) }
        anchors = FloatArray(4 * count.toInt()) { bytes.float32(start + 4L * it) }
        candidates = if (version > 1) minOf(bytes.uint32(HEADER_SIZE), Int.MAX_VALUE.toLong()).toInt() else 0
        val isValid = count > 0 && classes > 0 && detections > 0 && first in 0..1 && score in 0f..1f && iou > 0 && iou <= 1
        if (!isValid || (version > 1 && candidates == 0) || scales.any { !(it > 0) } || anchors.any { !it.isFinite() }) throw bytes.damaged("it has invalid values")
    }

    companion object {
        private const val FILE = "raw_head.bin"
        private const val IDENTIFIER = "RAWH"
        private const val VERSION = 2L
        private const val HEADER_SIZE = 48L

        /**
         * Reads the raw head of [model], or null if its metadata does not name one.
         *
         * Throws [DetectorError.Damaged] if the packed file is missing or damaged, [DetectorError.NotADetector] if it
         * does not match the model's outputs.
         */
        fun of(model: Model, metadata: Metadata?): RawHead? {
            if (metadata == null || metadata.allFiles.none { it.name == FILE }) return null
            val content = ZipArchive(model.bytes).content(FILE)
                ?: throw model.bytes.damaged("its metadata names $FILE, which is missing")
            val head = RawHead(Bytes(ByteBuffer.wrap(content), "${model.path}: $FILE"))
            val shapes = model.outputs.map { model.tensors[it].shape }
            val expected = listOf(listOf(1, head.anchorCount, 4), listOf(1, head.anchorCount, head.first + head.classes))
            if (shapes != expected) {
                val reason = "its outputs are $shapes, but $FILE in it is for $expected; convert it again"
                throw DetectorError.NotADetector(model.path, reason)
            }
            return head
        }
    }
}
