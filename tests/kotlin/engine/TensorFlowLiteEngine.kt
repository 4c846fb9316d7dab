package kit.detector.engine

import com.sun.jna.Library
import com.sun.jna.Native
import com.sun.jna.Pointer
import com.sun.jna.Structure
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError

/** TensorFlow Lite with its C API, on one thread, for tests on a PC. */
class TensorFlowLiteEngine(private val file: ByteBuffer) : Engine {
    override val name = "TensorFlow Lite ${C.TfLiteVersion()}, CPU, 1 thread"
    private val model: Pointer
    private val interpreter: Pointer

    init {
        // The model refers to the bytes in `file`, which must stay alive.
        model = C.TfLiteModelCreate(file, file.limit().toLong()) ?: throw DetectorError.EngineFailed("it cannot read the file")
        val options = C.TfLiteInterpreterOptionsCreate()
        C.TfLiteInterpreterOptionsSetNumThreads(options, 1)
        val made = C.TfLiteInterpreterCreate(model, options)
        C.TfLiteInterpreterOptionsDelete(options)
        if (made == null) {
            C.TfLiteModelDelete(model)
            throw DetectorError.EngineFailed("it cannot run the file")
        }
        interpreter = made
        if (C.TfLiteInterpreterAllocateTensors(interpreter) != 0) {
            close()
            throw DetectorError.EngineFailed("it cannot allocate the tensors")
        }
    }

    override val inputs: List<TensorPort>
        get() = List(C.TfLiteInterpreterGetInputTensorCount(interpreter)) { port(C.TfLiteInterpreterGetInputTensor(interpreter, it)) }

    override val outputs: List<TensorPort>
        get() = List(C.TfLiteInterpreterGetOutputTensorCount(interpreter)) { port(C.TfLiteInterpreterGetOutputTensor(interpreter, it)) }

    override fun invoke(input: ByteBuffer): List<Tensor> {
        val tensor = C.TfLiteInterpreterGetInputTensor(interpreter, 0)
        if (C.TfLiteTensorCopyFromBuffer(tensor, input, input.remaining().toLong()) != 0) {
            throw DetectorError.EngineFailed("its input takes ${C.TfLiteTensorByteSize(tensor)} bytes, not ${input.remaining()}")
        }
        if (C.TfLiteInterpreterInvoke(interpreter) != 0) throw DetectorError.EngineFailed("it failed while it ran the model")
        return List(C.TfLiteInterpreterGetOutputTensorCount(interpreter)) {
            val output = C.TfLiteInterpreterGetOutputTensor(interpreter, it)
            val size = C.TfLiteTensorByteSize(output)
            Tensor(port(output), C.TfLiteTensorData(output).getByteBuffer(0, size).order(ByteOrder.nativeOrder()))
        }
    }

    override fun close() {
        C.TfLiteInterpreterDelete(interpreter)
        C.TfLiteModelDelete(model)
    }

    private fun port(tensor: Pointer): TensorPort {
        val quantization = C.TfLiteTensorQuantizationParams(tensor)
        val shape = List(C.TfLiteTensorNumDims(tensor)) { C.TfLiteTensorDim(tensor, it) }
        val type = when (C.TfLiteTensorType(tensor)) {
            1 -> TensorType.FLOAT32
            2 -> TensorType.INT32
            3 -> TensorType.UINT8
            4 -> TensorType.INT64
            9 -> TensorType.INT8
            else -> TensorType.OTHER
        }
        return TensorPort(C.TfLiteTensorName(tensor), shape, type, quantization.scale, quantization.zeroPoint)
    }

    @Structure.FieldOrder("scale", "zeroPoint")
    class Quantization : Structure(), Structure.ByValue {
        @JvmField var scale = 0f
        @JvmField var zeroPoint = 0
    }

    /** tensorflow/lite/core/c/c_api.h */
    @Suppress("FunctionName")
    private interface CApi : Library {
        fun TfLiteVersion(): String
        fun TfLiteModelCreate(data: ByteBuffer, size: Long): Pointer?
        fun TfLiteModelDelete(model: Pointer)
        fun TfLiteInterpreterOptionsCreate(): Pointer
        fun TfLiteInterpreterOptionsSetNumThreads(options: Pointer, threads: Int)
        fun TfLiteInterpreterOptionsDelete(options: Pointer)
        fun TfLiteInterpreterCreate(model: Pointer, options: Pointer): Pointer?
        fun TfLiteInterpreterDelete(interpreter: Pointer)
        fun TfLiteInterpreterAllocateTensors(interpreter: Pointer): Int
        fun TfLiteInterpreterInvoke(interpreter: Pointer): Int
        fun TfLiteInterpreterGetInputTensorCount(interpreter: Pointer): Int
        fun TfLiteInterpreterGetInputTensor(interpreter: Pointer, index: Int): Pointer
        fun TfLiteInterpreterGetOutputTensorCount(interpreter: Pointer): Int
        fun TfLiteInterpreterGetOutputTensor(interpreter: Pointer, index: Int): Pointer
        fun TfLiteTensorName(tensor: Pointer): String
        fun TfLiteTensorType(tensor: Pointer): Int
        fun TfLiteTensorNumDims(tensor: Pointer): Int
        fun TfLiteTensorDim(tensor: Pointer, index: Int): Int
        fun TfLiteTensorByteSize(tensor: Pointer): Long
        fun TfLiteTensorData(tensor: Pointer): Pointer
        fun TfLiteTensorQuantizationParams(tensor: Pointer): Quantization
        fun TfLiteTensorCopyFromBuffer(tensor: Pointer, data: ByteBuffer, size: Long): Int
    }

    private companion object {
        val C: CApi = Native.load("tensorflowlite_c", CApi::class.java)
    }
}
