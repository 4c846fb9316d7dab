package kit.detector.postprocessing

import kit.detector.DetectorError
import kit.detector.engine.Tensor
import kit.detector.model.Metadata
import kit.detector.model.Model
import kit.detector.model.OutputOrder
import kit.detector.model.TensorMetadata

/**
 * Reads the four outputs of a detector with built-in post-processing.
 *
 * The constructor throws [DetectorError.NotADetector] if the outputs are not those of a detector, and
 * [DetectorError.Unsupported] if the box layout is not supported.
 */
internal class FourOutputs(model: Model, metadata: Metadata?, shapes: List<List<Int>>) : Postprocessor {
    // Null until a frame's values determine it.
    private var order: OutputOrder? = OutputOrder.find(model, metadata, shapes)

    // The positions of left, top, right and bottom in a box of the tensor.
    private val index: List<Int> = index(model, metadata)

    override fun decode(raw: List<Tensor>, minScore: Float): List<RawDetection> {
        val values = raw.map(Tensor::floats)
        if (values.size != 4) return emptyList()
        // If the values of this frame are ambiguous, those of a later one may not be.
        val order = order ?: OutputOrder.fromValues(values, raw.map { it.port.shape })?.also { order = it } ?: return emptyList()
        val boxes = values[order.boxes]
        val classes = values[order.classes]
        val scores = values[order.scores]
        val capacity = minOf(boxes.size / 4, classes.size, scores.size)
        // NaN becomes 0.
        val count = ((values[order.count].firstOrNull() ?: 0f) + 0.5f).coerceIn(0f, capacity.toFloat()).toInt()
        // Comparisons with NaN are false, so NaN scores and classes are dropped here.
        val kept = (0 until count).filter { scores[it] >= minScore && classes[it] >= 0 && classes[it] < MOST_CLASSES }
        val (left, top, right, bottom) = index
        return kept.map { slot ->
            val at = 4 * slot
            val sides = Sides(boxes[at + top], boxes[at + left], boxes[at + bottom], boxes[at + right])
            RawDetection(Math.rint(classes[slot].toDouble()).toInt(), scores[slot], sides)
        }
    }

    private fun index(model: Model, metadata: Metadata?): List<Int> {
        val layout = metadata?.outputs?.firstNotNullOfOrNull(TensorMetadata::boxes)
        if (layout == null || OutputOrder.fromGraph(model) != null) return DEFAULT
        if (!layout.isReadable) {
            throw DetectorError.Unsupported(model.path, "its boxes are not edges relative to the image's size")
        }
        if (layout.index.isEmpty()) return DEFAULT
        if (layout.index.sorted() != listOf(0, 1, 2, 3)) {
            throw DetectorError.Unsupported(model.path, "its metadata orders a box's sides as ${layout.index}")
        }
        return layout.index
    }

    private companion object {
        // A box in the tensor is ymin, xmin, ymax, xmax.
        val DEFAULT = listOf(1, 0, 3, 2)

        // Greater class ids are invalid: float32 cannot represent all integers above 2^24.
        const val MOST_CLASSES = 16_777_216f
    }
}
