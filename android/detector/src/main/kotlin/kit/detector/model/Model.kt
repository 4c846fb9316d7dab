package kit.detector.model

import java.nio.ByteBuffer
import kit.detector.DetectorError

/**
 * The parts of a .tflite file that a detector needs.
 *
 * Field numbers are those of tensorflow/compiler/mlir/lite/schema/schema.fbs (version 3). The constructor throws
 * [DetectorError.NotTFLite] or [DetectorError.Damaged].
 */
internal class Model(val bytes: Bytes) {
    val tensors: List<ModelTensor>

    /** Indices into [tensors], in the order of the engine. */
    val inputs: List<Int>
    val outputs: List<Int>
    val operators: List<ModelOperator>

    /** For each signature of the main graph, the names of outputs by tensor index. */
    val signatures: List<Map<Int, String>>
    val metadata: Map<String, ByteBuffer>

    val path: String get() = bytes.path

    init {
        if (bytes.size < 8 || !bytes.hasIdentifier(IDENTIFIER, 4)) throw DetectorError.NotTFLite(bytes.path)
        val flat = FlatBuffer(bytes, IDENTIFIER)
        val root = flat.root()
        val buffers = root.tables(4)
        val codes = root.tables(1)
        val main = root.tables(2).firstOrNull() ?: throw bytes.damaged("it has no graph")
        tensors = main.tables(0).map { ModelTensor(it, bytes) }
        operators = main.tables(3).map { ModelOperator(it, codes, bytes, tensors.size) }
        inputs = indices(main, 1, bytes, tensors.size, minimum = 0)
        outputs = indices(main, 2, bytes, tensors.size, minimum = 0)
        signatures = root.tables(7).filter { it.uint32(4) == 0L }.map { signature ->
            signature.tables(1).associate { it.int32(1) to it.text(0) }
        }
        metadata = root.tables(6).associate { entry ->
            val index = entry.uint32(1)
            if (index >= buffers.size) throw bytes.damaged("it refers to buffer $index of ${buffers.size}")
            entry.text(0) to content(buffers[index.toInt()], flat)
        }
    }

    private fun content(buffer: Table, flat: FlatBuffer): ByteBuffer {
        // Files over 2 GB store their data after the FlatBuffer; offsets 0 and 1 mean that this one does not.
        // An offset too large for a Long is read as negative and rejected as damaged.
        val offset = buffer.int64(1)
        if (offset == 0L || offset == 1L) return buffer.data(0)
        val data = bytes.span(offset, buffer.int64(2))
        flat.spend(data.remaining().toLong())
        return data
    }

    companion object {
        private const val IDENTIFIER = "TFL3"

        /** A vector of tensor indices; [minimum] is -1 if an optional input may be omitted. */
        fun indices(table: Table, field: Int, bytes: Bytes, tensors: Int, minimum: Int): List<Int> {
            val indices = table.ints(field)
            indices.firstOrNull { it < minimum || it >= tensors }?.let {
                throw bytes.damaged("it refers to tensor $it of $tensors")
            }
            return indices
        }
    }
}

/** A tensor of the graph. [signature] is [shape] with -1 for each dynamic dimension, or empty if there is none. */
internal class ModelTensor(table: Table, bytes: Bytes) {
    val shape: List<Int> = table.ints(0)
    val signature: List<Int> = table.ints(7)
    val type: String
    val name: String

    /** The scale and zero point of a tensor that is quantized as a whole; 0 if it is not. */
    val scale: Float
    val zeroPoint: Int

    init {
        shape.firstOrNull { it < 0 }?.let { throw bytes.damaged("a tensor's shape has a dimension of $it") }
        val kind = table.int8(1)
        type = TYPES.getOrNull(kind) ?: throw bytes.damaged("a tensor's type is $kind")
        name = table.text(3)
        val quantization = table.table(4)
        val scales = quantization?.floats(2).orEmpty()
        scale = scales.singleOrNull() ?: 0f
        zeroPoint = if (scales.size == 1) quantization?.longs(3)?.firstOrNull()?.toInt() ?: 0 else 0
    }

    /** For example `location [1, 25, 4] float32`. */
    override fun toString() = "$name ${signature.ifEmpty { shape }} $type"

    private companion object {
        // enum TensorType of the schema, in its order.
        val TYPES = (
            "float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 " +
                "resource variant uint32 uint16 int4 bfloat16 int2 uint4 float8_e4m3fn float8_e5m2"
            ).split(" ")
    }
}

/** An operator of the graph: a built-in one by its code, or a custom one by its name. */
internal class ModelOperator(table: Table, codes: List<Table>, bytes: Bytes, tensors: Int) {
    val code: Int
    val customName: String
    val inputs: List<Int>
    val outputs: List<Int>

    init {
        val index = table.uint32(0)
        if (index >= codes.size) throw bytes.damaged("it refers to operator code $index of ${codes.size}")
        // Codes above 127 have a field of their own; the greater of the two applies.
        val opcode = codes[index.toInt()]
        code = maxOf(opcode.int8(0), opcode.int32(3))
        customName = opcode.text(1)
        inputs = Model.indices(table, 1, bytes, tensors, minimum = -1)
        outputs = Model.indices(table, 2, bytes, tensors, minimum = 0)
    }
}
