package kit.detector.model

import kit.detector.DetectorError

/**
 * The TFLite Metadata of a model: descriptions of its inputs and outputs, in the order of the main graph.
 *
 * Field numbers are those of metadata_schema.fbs of TFLite Support:
 * https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs
 */
internal class Metadata(bytes: Bytes) {
    val inputs: List<TensorMetadata>
    val outputs: List<TensorMetadata>
    private val files: List<AssociatedFile>

    init {
        val root = FlatBuffer(bytes, IDENTIFIER).root()
        val main = root.tables(3).firstOrNull()
        inputs = main?.tables(2).orEmpty().map(::TensorMetadata)
        outputs = main?.tables(3).orEmpty().map(::TensorMetadata)
        files = AssociatedFile.all(root, 6) + (main?.let { AssociatedFile.all(it, 4) }.orEmpty())
    }

    /** All associated files, those of outputs first, since the label file usually belongs to an output. */
    val allFiles: List<AssociatedFile>
        get() = outputs.flatMap { it.files } + files + inputs.flatMap { it.files }

    companion object {
        private const val ENTRY = "TFLITE_METADATA"
        private const val IDENTIFIER = "M001"

        /** The metadata in [model], or null if there is none. Throws [DetectorError.Damaged]. */
        fun of(model: Model): Metadata? =
            model.metadata[ENTRY]?.let { Metadata(Bytes(it, "${model.path}: its metadata")) }
    }
}

/** A file packed into the model, such as a label file. [locale] is empty for the default locale. */
internal class AssociatedFile(val name: String, private val type: Int, val locale: String) {
    /** Whether the type is TENSOR_AXIS_LABELS or TENSOR_VALUE_LABELS of enum AssociatedFileType. */
    val holdsLabels: Boolean get() = type == 2 || type == 3

    companion object {
        fun all(table: Table, field: Int): List<AssociatedFile> =
            table.tables(field).map { AssociatedFile(it.text(0), it.int8(2), it.text(3)) }
    }
}

/** The layout of a box in the location output: [index] holds the positions of left, top, right and bottom. */
internal class BoxLayout(table: Table) {
    val index: List<Int> = table.ints(0)
    private val type = table.int8(1)
    private val coordinates = table.int8(2)

    /**
     * Whether boxes are edges (BOUNDARIES of enum BoundingBoxType, or not specified) relative to the image size (RATIO of
     * enum CoordinateType).
     */
    val isReadable: Boolean get() = type in 0..1 && coordinates == 0
}

/** The description of one input or output. Images are normalized as (x - [mean]) / [std]; both are empty if not specified. */
internal class TensorMetadata(table: Table) {
    val name: String = table.text(0)
    val files: List<AssociatedFile> = AssociatedFile.all(table, 6)
    val mean: List<Float>
    val std: List<Float>
    val boxes: BoxLayout?

    /** Null if not specified. */
    val scoreThreshold: Float?

    init {
        val units = table.tables(4).map { it.int8(0) to it.table(1) }
        fun options(kind: Int) = units.lastOrNull { it.first == kind && it.second != null }?.second
        mean = options(NORMALIZATION)?.floats(0).orEmpty()
        std = options(NORMALIZATION)?.floats(1).orEmpty()
        scoreThreshold = options(SCORE_THRESHOLDING)?.float32(0)
        val content = table.table(3)
        boxes = if (content?.int8(0) == BOX_CONTENT) content.table(1)?.let(::BoxLayout) else null
    }

    private companion object {
        // union ContentProperties, union ProcessUnitOptions
        const val BOX_CONTENT = 3
        const val NORMALIZATION = 1
        const val SCORE_THRESHOLDING = 3
    }
}
