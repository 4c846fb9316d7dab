package kit.detector

/** From the raw outputs of a file to detections in a picture. */
internal fun interface Postprocessor {
    /** Detections in an upright picture of [width] x [height], the highest score first, none below [least]. */
    fun detections(raw: List<Tensor>, width: Int, height: Int, least: Double): List<Detection>
}

/**
 * Of the four outputs of a detector with its post-processing inside.
 *
 * Throws [DetectorError.NotADetector] where the outputs are no detector's, [DetectorError.Unsupported]
 * where its boxes cannot be read.
 */
internal class FourOutputs(model: Model, metadata: Metadata?, shapes: List<List<Int>>, private val labels: Labels) : Postprocessor {
    // Null until the values of a frame tell.
    private var order: OutputOrder? = OutputOrder.find(model, metadata, shapes)

    // Where left, top, right and bottom stand in a box of the tensor.
    private val index: List<Int> = index(model, metadata)

    override fun detections(raw: List<Tensor>, width: Int, height: Int, least: Double): List<Detection> {
        val values = raw.map(Tensor::floats)
        if (values.size != 4) return emptyList()
        // A frame whose values fit both readings settles nothing; the next one may.
        val order = order ?: OutputOrder.fromValues(values, raw.map { it.port.shape })?.also { order = it } ?: return emptyList()
        val boxes = values[order.boxes]
        val classes = values[order.classes]
        val scores = values[order.scores]
        val room = minOf(boxes.size / 4, classes.size, scores.size)
        // NaN becomes 0.
        val count = ((values[order.count].firstOrNull() ?: 0f) + 0.5f).coerceIn(0f, room.toFloat()).toInt()
        // Comparisons with NaN are false: a score or a box that is not a number drops out here.
        val kept = (0 until count).filter { slot ->
            scores[slot] >= least.toFloat() && classes[slot] >= 0 && classes[slot] < MOST_CLASSES &&
                (4 * slot until 4 * slot + 4).all { boxes[it].isFinite() }
        }
        return kept.sortedByDescending { scores[it] }.map { slot ->
            val sides = FloatArray(4) { boxes[4 * slot + index[it]].coerceIn(0f, 1f) }
            val classId = Math.rint(classes[slot].toDouble()).toInt()
            Detection(labels[classId], classId, scores[slot].toDouble(), Box.relative(sides, width, height))
        }
    }

    private fun index(model: Model, metadata: Metadata?): List<Int> {
        val layout = metadata?.outputs?.firstNotNullOfOrNull(TensorMetadata::boxes)
        if (layout == null || OutputOrder.fromWiring(model) != null) return USUAL
        if (!layout.isReadable) {
            throw DetectorError.Unsupported(model.path, "its boxes are not edges relative to the picture's size")
        }
        if (layout.index.isEmpty()) return USUAL
        if (layout.index.sorted() != listOf(0, 1, 2, 3)) {
            throw DetectorError.Unsupported(model.path, "its metadata orders a box's sides as ${layout.index}")
        }
        return layout.index
    }

    private companion object {
        // A box in the tensor is ymin, xmin, ymax, xmax.
        val USUAL = listOf(1, 0, 3, 2)

        // Above it a class id is damage, and no whole number of a float32 any more.
        const val MOST_CLASSES = 16_777_216f
    }
}
