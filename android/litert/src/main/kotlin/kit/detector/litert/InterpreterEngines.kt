package kit.detector.litert

import android.content.Context
import java.io.File
import kit.detector.DetectorError
import kit.detector.engine.Engine
import kit.detector.engine.EngineChoice
import kit.detector.engine.EngineProvider
import kit.detector.model.ModelFile
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory

/**
 * LiteRT 1.x, the interpreter: the GPU with LiteRT's delegate, and the CPU with XNNPACK's kernels on [threads] threads.
 *
 * The GPU is offered on every phone. Whether it can run the model and is faster than the CPU is found out by running both.
 */
public class InterpreterEngines(context: Context, private val threads: Int = DEFAULT_THREADS) : EngineProvider {
    // Not files of the user: the system removes them with an update of the app or of the system.
    private val cache = File(context.codeCacheDir, "detector")

    override fun choices(file: ModelFile): List<EngineChoice> = listOf(
        EngineChoice(GPU) { gpu(file) },
        EngineChoice(CPU) { InterpreterEngine.load(file.buffer, "LiteRT, CPU, $threads threads", options()) },
    )

    private fun gpu(file: ModelFile): Engine {
        val delegate = wrappingErrors { GpuDelegate(gpuOptions(file)) }
        try {
            return EngineWithDelegate(InterpreterEngine.load(file.buffer, "LiteRT, GPU", options().addDelegate(delegate)), delegate)
        } catch (error: DetectorError) {
            delegate.close()
            throw error
        }
    }

    private fun gpuOptions(file: ModelFile): GpuDelegateFactory.Options {
        // A camera runs for long, so the speed that lasts counts and not that of the first image.
        val options = GpuDelegateFactory.Options()
            .setInferencePreference(GpuDelegateFactory.Options.INFERENCE_PREFERENCE_SUSTAINED_SPEED)
        // Compiled shaders are kept for the next start, which then takes a fraction of the time.
        return if (cache.isDirectory || cache.mkdirs()) options.setSerializationParams(cache.path, file.fingerprint) else options
    }

    private fun options() = InterpreterApi.Options().setNumThreads(threads)

    public companion object {
        /** The names of the choices. */
        public const val GPU: String = "GPU"
        public const val CPU: String = "CPU"

        // Phones have at least two fast cores; more threads would wait for the slow cores.
        private const val DEFAULT_THREADS = 2
    }
}

/** Closes the delegate after its interpreter, which must not outlive it. */
private class EngineWithDelegate(private val engine: Engine, private val delegate: AutoCloseable) : Engine by engine {
    override fun close() {
        engine.close()
        delegate.close()
    }
}
