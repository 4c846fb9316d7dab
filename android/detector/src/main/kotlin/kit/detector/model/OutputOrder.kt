package kit.detector.model

import kit.detector.DetectorError

/**
 * The positions of a detector's four outputs.
 *
 * Exporters order and name the outputs differently, so positions are never assumed. In order of trust they come from
 * the graph's connections, which cannot be wrong; the names in the metadata; the names in the signature; and last from
 * the shapes and values of the outputs.
 */
internal data class OutputOrder(val boxes: Int, val classes: Int, val scores: Int, val count: Int) {
    /** Whether this order is consistent with the known [shapes]. */
    private fun fits(shapes: List<List<Int>>): Boolean {
        val box = shapes[boxes]
        if (isKnown(box) && (box.size != 3 || box[2] != 4)) return false
        return !isKnown(shapes[count]) || elements(shapes[count]) == 1L
    }

    companion object {
        /**
         * Finds the order of the outputs, or null if only their values can tell ([fromValues]).
         *
         * [shapes] are the engine's output shapes; a shape that is empty or has a dimension below 1 is not yet known.
         * Throws [DetectorError.NotADetector] if the model cannot be a detector.
         */
        fun find(model: Model, metadata: Metadata?, shapes: List<List<Int>>): OutputOrder? {
            checkCount(model)
            if (shapes.size != model.outputs.size) throw notADetector(model, shapes)
            fromGraph(model)?.let { return it }
            val named = listOf(fromMetadata(metadata)) + model.signatures.map { fromSignature(it, model) }
            named.firstOrNull { it?.fits(shapes) == true }?.let { return it }
            if (shapes.all(::isKnown) && byShape(shapes) == null) throw notADetector(model, shapes)
            return null
        }

        /** Throws [DetectorError.NotADetector] unless the model has four outputs. */
        fun checkCount(model: Model) {
            if (model.outputs.size != Role.entries.size) throw notADetector(model)
        }

        /** Traces each output back to what post-processes detections: one custom operator, or several built-in ones. */
        fun fromGraph(model: Model): OutputOrder? {
            val source = HashMap<Int, ModelOperator>()
            for (op in model.operators) op.outputs.forEach { source[it] = op }
            val roles = HashMap<Role, Int>()
            for ((position, output) in model.outputs.withIndex()) {
                var tensor = output
                // Each hop goes back one operator; more hops than operators would be a cycle.
                for (hop in 0..model.operators.size) {
                    val op = source[tensor] ?: break
                    if (op.code !in PASS_THROUGH || op.inputs.isEmpty()) break
                    tensor = op.inputs[0]
                }
                val role = source[tensor]?.let { role(it, tensor, source) } ?: return null
                roles[role] = position
            }
            return of(roles)
        }

        /** What [tensor] is, which [op] makes; null if that is no post-processing. [source] has the maker of each tensor. */
        private fun role(op: ModelOperator, tensor: Int, source: Map<Int, ModelOperator>): Role? {
            if (op.customName == POSTPROCESS) return Role.entries.getOrNull(op.outputs.indexOf(tensor))
            if (op.code == SUPPRESSION) return if (op.outputs.indexOf(tensor) == 1) Role.COUNT else null
            // What is behind the count is made zero by a multiplication.
            val gather = if (op.code == MUL) source[op.inputs.firstOrNull()] else null
            if (gather == null || gather.code != GATHER || gather.inputs.size != 2) return null
            if (source[gather.inputs[1]]?.code != SUPPRESSION) return null
            return MAKERS[source[gather.inputs[0]]?.code]
        }

        /**
         * Finds the order from output values: boxes have three dimensions and the count has one element; of the other
         * two, classes are integers and scores are in 0..1 and descending.
         *
         * Returns null if the shapes are not those of a detector, or if the values are ambiguous, as for a frame without
         * detections.
         */
        fun fromValues(values: List<FloatArray>, shapes: List<List<Int>>): OutputOrder? {
            val (boxes, count, one, other) = byShape(shapes) ?: return null
            val reported = values[count].firstOrNull() ?: return null
            val total = reported.coerceIn(0f, minOf(values[one].size, values[other].size).toFloat())
            // NaN becomes 0.
            val used = listOf(one, other).associateWith { values[it].take(total.toInt()) }
            val fitting = listOf(one to other, other to one).filter { (classes, scores) ->
                areClasses(used.getValue(classes)) && areScores(used.getValue(scores))
            }
            val (classes, scores) = fitting.singleOrNull() ?: return null
            return OutputOrder(boxes, classes, scores, count)
        }

        private fun fromMetadata(metadata: Metadata?): OutputOrder? =
            metadata?.let { byName(it.outputs.map(TensorMetadata::name), WORDS) }

        /** Finds the order from the output names of a signature: words, or the exporter's `output_0` to `output_3`. */
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
            val positions = Role.entries.map { roles[it] ?: return null }
            if (positions.any { it > 3 }) return null
            return OutputOrder(positions[0], positions[1], positions[2], positions[3])
        }

        /** An error that lists the actual and the required outputs. */
        private fun notADetector(model: Model, shapes: List<List<Int>> = emptyList()): DetectorError {
            val tensors = model.outputs.map { model.tensors[it] }
            val listed = tensors.mapIndexed { index, tensor -> shapes.getOrNull(index)?.let { "${tensor.name} $it" } ?: "$tensor" }
            val actual = listed.joinToString().ifEmpty { "none" }
            val required = "boxes [1, N, 4], classes [1, N], scores [1, N] and a count [1]"
            return DetectorError.NotADetector(model.path, "its outputs are $actual; a detector has four: $required")
        }

        private fun isKnown(shape: List<Int>): Boolean = shape.isNotEmpty() && shape.all { it > 0 }

        private fun elements(shape: List<Int>): Long = shape.fold(1L) { product, side -> product * side }

        /** Positions of the boxes, the count, and the two others, or null if the shapes are not those of a detector. */
        private fun byShape(shapes: List<List<Int>>): List<Int>? {
            for (boxes in shapes.indices) {
                for (count in shapes.indices - boxes) {
                    val rest = shapes.indices - boxes - count
                    if (shapes[boxes].size != 3 || shapes[boxes][2] != 4 || elements(shapes[count]) != 1L) continue
                    // If the model gives at most one detection, all outputs but the boxes have one element; the count
                    // is then the one without a batch dimension.
                    val slots = listOf(1, shapes[boxes][1])
                    if (rest.all { shapes[it].takeLast(2) == slots && shapes[count].size < shapes[it].size }) {
                        return listOf(boxes, count) + rest
                    }
                }
            }
            return null
        }

        private fun areClasses(values: List<Float>): Boolean = values.all { it >= 0 && it == Math.rint(it.toDouble()).toFloat() }

        private fun areScores(values: List<Float>): Boolean =
            values.all { it in 0f..1f } && values.zipWithNext().all { (one, next) -> next - one <= 1e-6f }

        private const val POSTPROCESS = "TFLite_Detection_PostProcess"

        // The built-in operators of a kit's file, of enum BuiltinOperator: NON_MAX_SUPPRESSION_V4 keeps detections, and
        // CONCATENATION, LOGISTIC and CAST make the values that it keeps. See convert/file/builtin_postprocessing.py.
        private const val SUPPRESSION = 120
        private const val MUL = 18
        private const val GATHER = 36
        private val MAKERS = mapOf(2 to Role.BOXES, 14 to Role.SCORES, 53 to Role.CLASSES)

        private val WORDS = mapOf(
            "location" to Role.BOXES, "locations" to Role.BOXES, "boxes" to Role.BOXES, "detection_boxes" to Role.BOXES,
            "category" to Role.CLASSES, "categories" to Role.CLASSES, "class" to Role.CLASSES, "classes" to Role.CLASSES,
            "detection_classes" to Role.CLASSES, "score" to Role.SCORES, "scores" to Role.SCORES,
            "detection_scores" to Role.SCORES, "count" to Role.COUNT, "number of detections" to Role.COUNT,
            "num_detections" to Role.COUNT,
        )

        // The numbered names that the Object Detection API's TF2 exporter gives.
        private val EXPORTER_NAMES =
            mapOf("output_0" to Role.COUNT, "output_1" to Role.SCORES, "output_2" to Role.CLASSES, "output_3" to Role.BOXES)

        // Operators that do not change what an output means: DEQUANTIZE, RESHAPE, SQUEEZE, CAST, EXPAND_DIMS and
        // QUANTIZE of enum BuiltinOperator.
        private val PASS_THROUGH = setOf(6, 22, 43, 53, 70, 114)
    }

    /**
     * In the order of the post-processing operator's outputs:
     * tensorflow/lite/kernels/detection_postprocess.cc
     */
    private enum class Role { BOXES, CLASSES, SCORES, COUNT }
}
