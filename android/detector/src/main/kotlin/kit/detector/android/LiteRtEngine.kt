package kit.detector.android

import kit.detector.DetectorError
import kit.detector.Engine
import kit.detector.Tensor
import kit.detector.TensorPort
import kit.detector.TensorType
import org.tensorflow.lite.DataType
import org.tensorflow.lite.InterpreterApi
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** LiteRT by its [InterpreterApi], from the library in the app, on the CPU or with the delegate that [options] name. */
class LiteRtEngine private constructor(override val name: String, private val interpreter: InterpreterApi) : Engine {
    override val inputs: List<TensorPort> = List(interpreter.inputTensorCount) { port(interpreter.getInputTensor(it)) }

    override val outputs: List<TensorPort>
        get() = List(interpreter.outputTensorCount) { port(interpreter.getOutputTensor(it)) }

    // Outputs are read where they lie; a null says so.
    private val noCopies: Map<Int, Any?> = (0 until interpreter.outputTensorCount).associateWith { null }

    override fun invoke(input: ByteBuffer): List<Tensor> = failing {
        // The interpreter's map takes Any, and null by its own documentation.
        @Suppress("UNCHECKED_CAST")
        interpreter.runForMultipleInputsOutputs(arrayOf(input), noCopies as Map<Int, Any>)
        List(interpreter.outputTensorCount) { index ->
            val tensor = interpreter.getOutputTensor(index)
            Tensor(port(tensor), tensor.asReadOnlyBuffer().order(ByteOrder.nativeOrder()))
        }
    }

    override fun close() = interpreter.close()

    companion object {
        /** Loads [model], a mapped or direct buffer, which the engine keeps. Throws [DetectorError.EngineFailed]. */
        fun load(model: ByteBuffer, name: String, options: InterpreterApi.Options): LiteRtEngine = failing {
            // The runtime inside the app, so that what was tested is what runs, with Play services or without.
            options.setRuntime(InterpreterApi.Options.TfLiteRuntime.FROM_APPLICATION_ONLY)
            val interpreter = InterpreterApi.create(model, options)
            try {
                LiteRtEngine(name, interpreter)
            } catch (error: RuntimeException) {
                interpreter.close()
                throw error
            }
        }

        private fun port(tensor: org.tensorflow.lite.Tensor): TensorPort {
            val quantization = tensor.quantizationParams()
            val type = when (tensor.dataType()) {
                DataType.FLOAT32 -> TensorType.FLOAT32
                DataType.UINT8 -> TensorType.UINT8
                DataType.INT8 -> TensorType.INT8
                DataType.INT32 -> TensorType.INT32
                DataType.INT64 -> TensorType.INT64
                else -> TensorType.OTHER
            }
            return TensorPort(tensor.name(), tensor.shape().toList(), type, quantization.scale, quantization.zeroPoint)
        }
    }
}

/** LiteRT throws IllegalArgumentException and IllegalStateException, and links its library when it is first used. */
internal inline fun <Result> failing(body: () -> Result): Result = try {
    body()
} catch (error: RuntimeException) {
    throw DetectorError.EngineFailed(error.message ?: error.toString())
} catch (error: LinkageError) {
    throw DetectorError.EngineFailed(error.message ?: error.toString())
}
