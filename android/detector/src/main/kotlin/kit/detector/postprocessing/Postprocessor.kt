package kit.detector.postprocessing

import kit.detector.engine.Tensor
import kit.detector.model.RawHead

/** Reads the output tensors of a model. */
internal fun interface Postprocessor {
    /** The objects with scores from [minScore] on, in the order of the model; it may give one place to several classes. */
    fun decode(raw: List<Tensor>, minScore: Float): List<RawDetection>

    companion object {
        /** What decodes the outputs of a raw head, by the rules of its version. */
        fun of(head: RawHead): Postprocessor = if (head.candidates > 0) RawDecoder(head) else FirstVersionDecoder(head)
    }
}

/** An object that a model found: [score] in 0..1, and [sides] relative to the image, which may lie outside 0..1. */
internal class RawDetection(val classId: Int, val score: Float, val sides: Sides)
