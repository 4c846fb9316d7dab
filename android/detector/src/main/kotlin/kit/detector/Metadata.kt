package kit.detector

/**
 * TFLite Metadata: what a file says about its inputs and outputs, in the order of the main graph.
 *
 * Field numbers are those of metadata_schema.fbs of TFLite Support:
 * https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs
 */
internal class Metadata(bytes: Bytes) {
    val inputs: List<TensorMetadata>
    val outputs: List<TensorMetadata>
    private val files: List<AssociatedFile>

    init {
        val root = FlatBuffer(bytes, MARK).root()
        val main = root.tables(3).firstOrNull()
        inputs = main?.tables(2).orEmpty().map(::TensorMetadata)
        outputs = main?.tables(3).orEmpty().map(::TensorMetadata)
        files = AssociatedFile.all(root, 6) + (main?.let { AssociatedFile.all(it, 4) }.orEmpty())
    }

    /** Those of outputs first, since a label list usually belongs to one. */
    val allFiles: List<AssociatedFile>
        get() = outputs.flatMap { it.files } + files + inputs.flatMap { it.files }

    companion object {
        private const val ENTRY = "TFLITE_METADATA"
        private const val MARK = "M001"

        /** The metadata of a file, or null where it has none. Throws [DetectorError.Damaged]. */
        fun of(model: Model): Metadata? =
            model.metadata[ENTRY]?.let { Metadata(Bytes(it, "${model.path}: its metadata")) }
    }
}

/** A file packed into the model. [locale] is empty for the default one. */
internal class AssociatedFile(val name: String, private val type: Int, val locale: String) {
    /** TENSOR_AXIS_LABELS and TENSOR_VALUE_LABELS of enum AssociatedFileType. */
    val holdsLabels: Boolean get() = type == 2 || type == 3

    companion object {
        fun all(table: Table, field: Int): List<AssociatedFile> =
            table.tables(field).map { AssociatedFile(it.text(0), it.byte(2), it.text(3)) }
    }
}

/** How a location output writes a box: [index] says where left, top, right and bottom stand. */
internal class BoxLayout(table: Table) {
    val index: List<Int> = table.ints(0)
    private val type = table.byte(1)
    private val coordinates = table.byte(2)

    /** Edges (BOUNDARIES of enum BoundingBoxType, or nothing said) relative to the picture (RATIO of CoordinateType). */
    val isReadable: Boolean get() = type in 0..1 && coordinates == 0
}

/** One input or output; lists are empty where nothing is said. An input takes (x - mean) / std of bytes x. */
internal class TensorMetadata(table: Table) {
    val name: String = table.text(0)
    val files: List<AssociatedFile> = AssociatedFile.all(table, 6)
    val mean: List<Float>
    val std: List<Float>
    val boxes: BoxLayout?

    /** Null where nothing is said. */
    val scoreThreshold: Float?

    init {
        val units = table.tables(4).map { it.byte(0) to it.table(1) }
        fun options(kind: Int) = units.lastOrNull { it.first == kind && it.second != null }?.second
        mean = options(NORMALIZATION)?.floats(0).orEmpty()
        std = options(NORMALIZATION)?.floats(1).orEmpty()
        scoreThreshold = options(SCORE_THRESHOLDING)?.float(0)
        val content = table.table(3)
        boxes = if (content?.byte(0) == BOX_CONTENT) content.table(1)?.let(::BoxLayout) else null
    }

    private companion object {
        // union ContentProperties, union ProcessUnitOptions
        const val BOX_CONTENT = 3
        const val NORMALIZATION = 1
        const val SCORE_THRESHOLDING = 3
    }
}
