package kit.detector.model

import java.nio.ByteBuffer
import kit.detector.DetectorError

/**
 * The contents of `raw_head.bin`, which describes the two outputs of a model without post-processing.
 *
 * `runtime/model/raw_head.py` specifies the layout: a header of 48 bytes, the number of candidates from version 2 on, how
 * boxes and scores are made from version 3 on, then 16 bytes per anchor, little-endian.
 * The constructor throws [DetectorError.Damaged] if the layout or a value is not valid, and [DetectorError.Unsupported]
 * for later versions and other activations than the sigmoid.
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

    /** How many logits a distance has where box codes are distributions, else 0: box codes are four numbers. */
    val bins: Int

    val anchorCount: Int get() = anchors.size / 4

    /** How many numbers a box code has. */
    val codeSize: Int get() = if (bins > 0) 4 * bins else 4

    init {
        if (bytes.size < HEADER_SIZE || !bytes.hasIdentifier(IDENTIFIER, 0)) throw bytes.damaged("it lacks the identifier $IDENTIFIER")
        val version = bytes.uint32(4)
        if (version !in 1..VERSION) throw DetectorError.Unsupported(bytes.path, "its layout has version $version, not 1 to $VERSION")
        val count = bytes.uint32(8)
        val start = HEADER_SIZE + when (version) {
            1L -> 0
            2L -> 4
            else -> 16
        }
        if (bytes.size.toLong() != start + 16 * count) throw bytes.damaged("$count anchors do not fit its ${bytes.size} bytes")
        classes = bytes.int32(12)
        first = bytes.int32(16)
        detections = bytes.int32(20)
        score = bytes.float32(24)
        iou = bytes.float32(28)
        scales = FloatArray(4) { bytes.float32(32L + 4 * it) }
        anchors = FloatArray(4 * count.toInt()) { bytes.float32(start + 4L * it) }
        candidates = if (version > 1) minOf(bytes.uint32(HEADER_SIZE), Int.MAX_VALUE.toLong()).toInt() else 0
        bins = if (version > 2) bins(bytes) else 0
        val isValid = count > 0 && classes > 0 && detections > 0 && first in 0..1 && score in 0f..1f && iou > 0 && iou <= 1
        if (!isValid || (version > 1 && candidates == 0) || scales.any { !(it > 0) } || anchors.any { !it.isFinite() }) throw bytes.damaged("it has invalid values")
    }

    companion object {
        private const val FILE = "raw_head.bin"
        private const val IDENTIFIER = "RAWH"
        private const val VERSION = 3L
        private const val HEADER_SIZE = 48L
        private const val SIGMOID = 0L
        private const val MOST_BINS = 256L

        private fun bins(bytes: Bytes): Int {
            val bins = bytes.uint32(HEADER_SIZE + 4)
            val activation = bytes.uint32(HEADER_SIZE + 12)
            if (activation != SIGMOID) {
                throw DetectorError.Unsupported(bytes.path, "its scores are made by activation $activation, not $SIGMOID, the sigmoid")
            }
            // Distributions are relative to points, four numbers to boxes.
            val isValid = (bins == 0L || bins in 2..MOST_BINS) && bytes.uint32(HEADER_SIZE + 8) == if (bins > 0) 1L else 0L
            if (!isValid) throw bytes.damaged("it has invalid values")
            return bins.toInt()
        }

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
            val expected = listOf(listOf(1, head.anchorCount, head.codeSize), listOf(1, head.anchorCount, head.first + head.classes))
            if (shapes != expected) {
                val reason = "its outputs are $shapes, but $FILE in it is for $expected; convert it again"
                throw DetectorError.NotADetector(model.path, reason)
            }
            return head
        }
    }
}
