package kit.detector

import java.nio.ByteBuffer

/**
 * What is inside a .tflite file, as far as a detector needs it.
 *
 * Field numbers are those of tensorflow/compiler/mlir/lite/schema/schema.fbs (version 3). Throws
 * [DetectorError.NotTFLite] or [DetectorError.Damaged].
 */
internal class Model(val bytes: Bytes) {
    val tensors: List<ModelTensor>

    /** Indices into [tensors], in the order that an engine shows. */
    val inputs: List<Int>
    val outputs: List<Int>
    val operators: List<ModelOperator>

    /** Those of the main graph: names of outputs by tensor. */
    val signatures: List<Map<Int, String>>
    val metadata: Map<String, ByteBuffer>

    val path: String get() = bytes.path

    init {
        if (bytes.size < 8 || !bytes.hasMark(MARK, 4)) throw DetectorError.NotTFLite(bytes.path)
        val flat = FlatBuffer(bytes, MARK)
        val root = flat.root()
        val buffers = root.tables(4)
        val codes = root.tables(1)
        val main = root.tables(2).firstOrNull() ?: throw bytes.damage("it holds no graph")
        tensors = main.tables(0).map { ModelTensor(it, bytes) }
        operators = main.tables(3).map { ModelOperator(it, codes, bytes, tensors.size) }
        inputs = indices(main, 1, bytes, tensors.size, least = 0)
        outputs = indices(main, 2, bytes, tensors.size, least = 0)
        signatures = root.tables(7).filter { it.word(4) == 0L }.map { signature ->
            signature.tables(1).associate { it.int(1) to it.text(0) }
        }
        metadata = root.tables(6).associate { entry ->
            val index = entry.word(1)
            if (index >= buffers.size) throw bytes.damage("it wants buffer $index of ${buffers.size}")
            entry.text(0) to content(buffers[index.toInt()], flat)
        }
    }

    private fun content(buffer: Table, flat: FlatBuffer): ByteBuffer {
        // Files over 2 GB keep their data behind the FlatBuffer; offsets 0 and 1 mean that this one
        // does not. Greater ones than a Long holds come out negative, and are damage either way.
        val offset = buffer.long(1)
        if (offset == 0L || offset == 1L) return buffer.data(0)
        val data = bytes.span(offset, buffer.long(2))
        flat.spend(data.remaining().toLong())
        return data
    }

    companion object {
        private const val MARK = "TFL3"

        /** Tensor indices; [least] is -1 where an optional input may be left out. */
        fun indices(table: Table, field: Int, bytes: Bytes, tensors: Int, least: Int): List<Int> {
            val indices = table.ints(field)
            indices.firstOrNull { it < least || it >= tensors }?.let {
                throw bytes.damage("it wants tensor $it of $tensors")
            }
            return indices
        }
    }
}

/** A tensor of the file. [shape] is as stored; [signature] the same with -1 for what may change, empty if nothing may. */
internal class ModelTensor(table: Table, bytes: Bytes) {
    val shape: List<Int> = table.ints(0)
    val signature: List<Int> = table.ints(7)
    val type: String
    val name: String

    init {
        shape.firstOrNull { it < 0 }?.let { throw bytes.damage("a tensor's shape has a side of $it") }
        val kind = table.byte(1)
        type = TYPES.getOrNull(kind) ?: throw bytes.damage("a tensor's type is $kind")
        name = table.text(3)
    }

    /** As in `location [1, 25, 4] float32`. */
    override fun toString() = "$name ${signature.ifEmpty { shape }} $type"

    private companion object {
        // enum TensorType of the schema, in its order.
        val TYPES = (
            "float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 " +
                "resource variant uint32 uint16 int4 bfloat16 int2 uint4 float8_e4m3fn float8_e5m2"
            ).split(" ")
    }
}

/** A step of the graph: the code of a built-in operator, or `custom` with a name. */
internal class ModelOperator(table: Table, codes: List<Table>, bytes: Bytes, tensors: Int) {
    val code: Int
    val customName: String
    val inputs: List<Int>
    val outputs: List<Int>

    init {
        val index = table.word(0)
        if (index >= codes.size) throw bytes.damage("it wants operator code $index of ${codes.size}")
        // Codes above 127 stand in a field of their own; whichever is greater counts.
        val said = codes[index.toInt()]
        code = maxOf(said.byte(0), said.int(3))
        customName = said.text(1)
        inputs = Model.indices(table, 1, bytes, tensors, least = -1)
        outputs = Model.indices(table, 2, bytes, tensors, least = 0)
    }
}
