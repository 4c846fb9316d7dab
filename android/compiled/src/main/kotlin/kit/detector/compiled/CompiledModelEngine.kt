package kit.detector.compiled

import android.content.Context
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.TensorBuffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError
import kit.detector.engine.Engine
import kit.detector.engine.Tensor
import kit.detector.engine.TensorPort
import kit.detector.engine.TensorType
import kit.detector.engine.inputPorts
import kit.detector.engine.outputPorts
import kit.detector.model.ModelFile

/** A model compiled by LiteRT 2.x. Buffers are in the order of the graph's inputs and outputs, also where it has a signature. */
internal class CompiledModelEngine private constructor(
    override val name: String,
    file: ModelFile,
    private val model: CompiledModel,
    private val environment: Environment,
) : Engine {
    override val inputs: List<TensorPort> = file.inputPorts
    override val outputs: List<TensorPort> = file.outputPorts

    private val inputBuffers: List<TensorBuffer> = model.createInputBuffers()
    private val outputBuffers: List<TensorBuffer> = model.createOutputBuffers()

    override fun invoke(input: ByteBuffer): List<Tensor> = wrappingErrors {
        write(inputBuffers[0], inputs[0].type, input.duplicate().order(ByteOrder.nativeOrder()))
        model.run(inputBuffers, outputBuffers)
        outputs.mapIndexed { index, port -> Tensor(port, read(outputBuffers[index], port.type)) }
    }

    override fun close() {
        for (buffer in inputBuffers + outputBuffers) buffer.close()
        model.close()
        environment.close()
    }

    private fun write(buffer: TensorBuffer, type: TensorType, bytes: ByteBuffer) {
        if (type == TensorType.FLOAT32) {
            buffer.writeFloat(FloatArray(bytes.remaining() / 4).also { bytes.asFloatBuffer().get(it) })
        } else {
            buffer.writeInt8(ByteArray(bytes.remaining()).also { bytes.get(it) })
        }
    }

    private fun read(buffer: TensorBuffer, type: TensorType): ByteBuffer = when (type) {
        TensorType.FLOAT32 -> buffer.readFloat().let { values -> bytes(4 * values.size).apply { asFloatBuffer().put(values) } }
        TensorType.INT32 -> buffer.readInt().let { values -> bytes(4 * values.size).apply { asIntBuffer().put(values) } }
        TensorType.INT64 -> buffer.readLong().let { values -> bytes(8 * values.size).apply { asLongBuffer().put(values) } }
        else -> ByteBuffer.wrap(buffer.readInt8())
    }

    private fun bytes(size: Int) = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder())

    companion object {
        /** Loads [file] in the environment that [open] makes. Throws [DetectorError.EngineFailed]. */
        fun load(context: Context, file: ModelFile, name: String, options: CompiledModel.Options, open: () -> Environment): CompiledModelEngine {
            // LiteRT would make buffers for outputs whose size is not known, and fail with words that don't say so.
            for (port in file.inputPorts + file.outputPorts) port.byteSize
            return wrappingErrors {
                val environment = open()
                closing(environment) {
                    val model = if (file.isAsset) {
                        CompiledModel.create(context.assets, file.path, options, environment)
                    } else {
                        CompiledModel.create(file.path, options, environment)
                    }
                    closing(model) { CompiledModelEngine(name, file, model, environment) }
                }
            }
        }

        /** The result of [body]; closes [resource] where it throws. */
        private inline fun <Result> closing(resource: AutoCloseable, body: () -> Result): Result = try {
            body()
        } catch (error: Throwable) {
            resource.close()
            throw error
        }
    }
}

/** Turns what LiteRT throws, including errors on loading its native library, into [DetectorError.EngineFailed]. */
private inline fun <Result> wrappingErrors(body: () -> Result): Result = try {
    body()
} catch (error: LiteRtException) {
    throw DetectorError.EngineFailed(error.message ?: error.toString())
} catch (error: RuntimeException) {
    throw DetectorError.EngineFailed(error.message ?: error.toString())
} catch (error: LinkageError) {
    throw DetectorError.EngineFailed(error.message ?: error.toString())
}
