package kit.detector

/**
 * Which output of a detector is which.
 *
 * Exporters order and name the four outputs differently, so nothing is taken from position alone. In
 * order of trust: the graph's own wiring, which cannot be wrong; the names in the metadata; those of
 * the signature; and at last the shapes and values of what comes out.
 */
internal data class OutputOrder(val boxes: Int, val classes: Int, val scores: Int, val count: Int) {
    /** Whether names and shapes agree, as far as the shapes are known. */
    private fun fits(shapes: List<List<Int>>): Boolean {
        val box = shapes[boxes]
        if (isKnown(box) && (box.size != 3 || box[2] != 4)) return false
        return !isKnown(shapes[count]) || elements(shapes[count]) == 1L
    }

    companion object {
        /**
         * The order of the outputs, or null where only their values can tell ([fromValues]).
         *
         * [shapes] are those that the engine gives the outputs; an empty one, or one with a side below 1,
         * is not known before a run. Throws [DetectorError.NotADetector] where the model cannot be one.
         */
        fun find(model: Model, metadata: Metadata?, shapes: List<List<Int>>): OutputOrder? {
            checkCount(model)
            if (shapes.size != model.outputs.size) throw notADetector(model, shapes)
            fromWiring(model)?.let { return it }
            val named = listOf(fromMetadata(metadata)) + model.signatures.map { fromSignature(it, model) }
            named.firstOrNull { it?.fits(shapes) == true }?.let { return it }
            if (shapes.all(::isKnown) && byShape(shapes) == null) throw notADetector(model, shapes)
            return null
        }

        /** Throws [DetectorError.NotADetector] unless the model has four outputs. */
        fun checkCount(model: Model) {
            if (model.outputs.size != Role.entries.size) throw notADetector(model)
        }

        /** Follows each output back to the operation that post-processes detections. */
        fun fromWiring(model: Model): OutputOrder? {
            val source = HashMap<Int, ModelOperator>()
            for (step in model.operators) step.outputs.forEach { source[it] = step }
            val roles = HashMap<Role, Int>()
            for ((position, output) in model.outputs.withIndex()) {
                var tensor = output
                // Each turn goes one operation up; more turns than operations would be a circle.
                for (turn in 0..model.operators.size) {
                    val step = source[tensor] ?: break
                    if (step.code !in PASSING || step.inputs.isEmpty()) break
                    tensor = step.inputs[0]
                }
                val step = source[tensor]
                if (step == null || step.customName != POSTPROCESS) return null
                Role.entries.getOrNull(step.outputs.indexOf(tensor))?.let { roles[it] = position }
            }
            return of(roles)
        }

        /**
         * By what comes out: boxes have three dimensions and the count one element; of the two others,
         * classes are whole numbers and scores lie in 0..1 and fall.
         *
         * Null where the shapes are not those of a detector, or where the values fit both readings, as
         * those of a frame without detections do.
         */
        fun fromValues(values: List<FloatArray>, shapes: List<List<Int>>): OutputOrder? {
            val (boxes, count, one, other) = byShape(shapes) ?: return null
            val said = values[count].firstOrNull() ?: return null
            val total = said.coerceIn(0f, minOf(values[one].size, values[other].size).toFloat())
            // NaN becomes 0.
            val used = listOf(one, other).associateWith { values[it].take(total.toInt()) }
            val fitting = listOf(one to other, other to one).filter { (classes, scores) ->
                likeClasses(used.getValue(classes)) && likeScores(used.getValue(scores))
            }
            val (classes, scores) = fitting.singleOrNull() ?: return null
            return OutputOrder(boxes, classes, scores, count)
        }

        private fun fromMetadata(metadata: Metadata?): OutputOrder? =
            metadata?.let { byName(it.outputs.map(TensorMetadata::name), WORDS) }

        /** By the names of a signature's outputs: words, or the exporter's `output_0` to `output_3`. */
        private fun fromSignature(signature: Map<Int, String>, model: Model): OutputOrder? {
            val names = model.outputs.map { signature[it].orEmpty() }
            return byName(names, WORDS) ?: byName(names, EXPORTER_NAMES)
        }

        private fun byName(names: List<String>, meaning: Map<String, Role>): OutputOrder? {
            val roles = HashMap<Role, Int>()
            for ((position, name) in names.withIndex()) {
                val role = meaning[name.trim().lowercase()] ?: return null
                if (roles.put(role, position) != null) return null
            }
            return of(roles)
        }

        private fun of(roles: Map<Role, Int>): OutputOrder? {
            val places = Role.entries.map { roles[it] ?: return null }
            if (places.any { it > 3 }) return null
            return OutputOrder(places[0], places[1], places[2], places[3])
        }

        /** The error that says what outputs there are, and which there have to be. */
        private fun notADetector(model: Model, shapes: List<List<Int>> = emptyList()): DetectorError {
            val tensors = model.outputs.map { model.tensors[it] }
            val listed = tensors.mapIndexed { index, tensor -> shapes.getOrNull(index)?.let { "${tensor.name} $it" } ?: "$tensor" }
            val said = listed.joinToString().ifEmpty { "none" }
            val wanted = "boxes [1, N, 4], classes [1, N], scores [1, N] and a count [1]"
            return DetectorError.NotADetector(model.path, "its outputs are $said; a detector has four: $wanted")
        }

        private fun isKnown(shape: List<Int>): Boolean = shape.isNotEmpty() && shape.all { it > 0 }

        private fun elements(shape: List<Int>): Long = shape.fold(1L) { product, side -> product * side }

        /** Places of boxes, count, and the two others, or null where the shapes are not those of a detector. */
        private fun byShape(shapes: List<List<Int>>): List<Int>? {
            for (boxes in shapes.indices) {
                for (count in shapes.indices - boxes) {
                    val rest = shapes.indices - boxes - count
                    if (shapes[boxes].size != 3 || shapes[boxes][2] != 4 || elements(shapes[count]) != 1L) continue
                    // With room for one detection every output but the boxes has one element; the count
                    // then is the one without the dimension of the batch.
                    val slots = listOf(1, shapes[boxes][1])
                    if (rest.all { shapes[it].takeLast(2) == slots && shapes[count].size < shapes[it].size }) {
                        return listOf(boxes, count) + rest
                    }
                }
            }
            return null
        }

        private fun likeClasses(values: List<Float>): Boolean = values.all { it >= 0 && it == Math.rint(it.toDouble()).toFloat() }

        private fun likeScores(values: List<Float>): Boolean =
            values.all { it in 0f..1f } && values.zipWithNext().all { (one, next) -> next - one <= 1e-6f }

        private const val POSTPROCESS = "TFLite_Detection_PostProcess"

        private val WORDS = mapOf(
            "location" to Role.BOXES, "locations" to Role.BOXES, "boxes" to Role.BOXES, "detection_boxes" to Role.BOXES,
            "category" to Role.CLASSES, "categories" to Role.CLASSES, "class" to Role.CLASSES, "classes" to Role.CLASSES,
            "detection_classes" to Role.CLASSES, "score" to Role.SCORES, "scores" to Role.SCORES,
            "detection_scores" to Role.SCORES, "count" to Role.COUNT, "number of detections" to Role.COUNT,
            "num_detections" to Role.COUNT,
        )

        // What the Object Detection API's TF2 exporter calls them, by number.
        private val EXPORTER_NAMES =
            mapOf("output_0" to Role.COUNT, "output_1" to Role.SCORES, "output_2" to Role.CLASSES, "output_3" to Role.BOXES)

        // Operations that hand on what they get, as far as the meaning of an output goes: DEQUANTIZE,
        // RESHAPE, SQUEEZE, CAST, EXPAND_DIMS and QUANTIZE of enum BuiltinOperator.
        private val PASSING = setOf(6, 22, 43, 53, 70, 114)
    }

    /**
     * In the order in which the post-processing operation defines its outputs:
     * tensorflow/lite/kernels/detection_postprocess.cc
     */
    private enum class Role { BOXES, CLASSES, SCORES, COUNT }
}
