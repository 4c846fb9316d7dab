package kit.detector.litert

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError
import kit.detector.engine.Engine
import kit.detector.engine.Tensor
import kit.detector.engine.TensorPort
import kit.detector.engine.TensorType
import org.tensorflow.lite.DataType
import org.tensorflow.lite.InterpreterApi

/** LiteRT, on the CPU or with a delegate. */
internal class InterpreterEngine private constructor(override val name: String, private val interpreter: InterpreterApi) : Engine {
    override val inputs: List<TensorPort> = List(interpreter.inputTensorCount) { port(interpreter.getInputTensor(it)) }

    override val outputs: List<TensorPort>
        get() = List(interpreter.outputTensorCount) { port(interpreter.getOutputTensor(it)) }

    // Outputs are read in place; null tells the interpreter not to copy them.
    private val noCopies: Map<Int, Any?> = (0 until interpreter.outputTensorCount).associateWith { null }

    override fun invoke(input: ByteBuffer): List<Tensor> = wrappingErrors {
        // The map's declared type is Any, but null values are documented.
        @Suppress("UNCHECKED_CAST")
        interpreter.runForMultipleInputsOutputs(arrayOf(input), noCopies as Map<Int, Any>)
        List(interpreter.outputTensorCount) { index ->
            val tensor = interpreter.getOutputTensor(index)
            Tensor(port(tensor), tensor.asReadOnlyBuffer().order(ByteOrder.nativeOrder()))
        }
    }

    override fun close() = interpreter.close()

    companion object {
        /** Loads [model], a mapped or direct buffer that the engine keeps. Throws [DetectorError.EngineFailed]. */
        fun load(model: ByteBuffer, name: String, options: InterpreterApi.Options): InterpreterEngine = wrappingErrors {
            // Always the app's own runtime, not that of Play services, so that the tested version runs.
            options.setRuntime(InterpreterApi.Options.TfLiteRuntime.FROM_APPLICATION_ONLY)
            val interpreter = InterpreterApi.create(model, options)
            try {
                InterpreterEngine(name, interpreter)
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

/** Turns what LiteRT throws, including errors on loading its native library, into [DetectorError.EngineFailed]. */
internal inline fun <Result> wrappingErrors(body: () -> Result): Result = try {
    body()
} catch (error: RuntimeException) {
    throw DetectorError.EngineFailed(error.message ?: error.toString())
} catch (error: LinkageError) {
    throw DetectorError.EngineFailed(error.message ?: error.toString())
}
