package kit.detector.compiled

import android.content.Context
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import java.io.File
import kit.detector.engine.EngineChoice
import kit.detector.engine.EngineProvider
import kit.detector.model.ModelFile

/**
 * LiteRT 2.x, `CompiledModel`: the NPU of phones whose vendor's libraries are in the app, the GPU, and the CPU on [threads]
 * threads.
 *
 * It takes files whose post-processing is built-in operations, and raw heads. LiteRT's custom operation for detection
 * fails on GPUs there: https://github.com/google-ai-edge/LiteRT/issues/7936
 */
public class CompiledModelEngines(context: Context, private val threads: Int = DEFAULT_THREADS) : EngineProvider {
    private val context = context.applicationContext

    override fun choices(file: ModelFile): List<EngineChoice> = listOf(
        EngineChoice(NPU) { CompiledModelEngine.load(context, file, "LiteRT, NPU", CompiledModel.Options(Accelerator.NPU), ::npu) },
        EngineChoice(GPU) { CompiledModelEngine.load(context, file, "LiteRT, GPU", gpuOptions(file), ::environment) },
        EngineChoice(CPU) { CompiledModelEngine.load(context, file, "LiteRT, CPU, $threads threads", cpuOptions(file), ::environment) },
    )

    private fun environment(): Environment = Environment.create(context)

    private fun npu(): Environment = Environment.create(context, BuiltinNpuAcceleratorProvider(context))

    private fun gpuOptions(file: ModelFile) = CompiledModel.Options(Accelerator.GPU).apply {
        // Compiled programs are kept for the next start.
        gpuOptions = cache()?.let { folder ->
            CompiledModel.GpuOptions(serializationDir = folder.path, modelCacheKey = file.fingerprint, serializeProgramCache = true)
        }
    }

    private fun cpuOptions(file: ModelFile) = CompiledModel.Options(Accelerator.CPU).apply {
        // XNNPACK's packed weights are kept for the next start.
        val weights = cache()?.let { File(it, "${file.fingerprint}.xnnpack").path }
        cpuOptions = CompiledModel.CpuOptions(numThreads = threads, xnnPackWeightCachePath = weights)
    }

    private fun cache(): File? = File(context.codeCacheDir, "detector").takeIf { it.isDirectory || it.mkdirs() }

    public companion object {
        /** The names of the choices. */
        public const val NPU: String = "NPU"
        public const val GPU: String = "GPU"
        public const val CPU: String = "CPU"

        // Phones have at least two fast cores; more threads would wait for the slow cores.
        private const val DEFAULT_THREADS = 2
    }
}
