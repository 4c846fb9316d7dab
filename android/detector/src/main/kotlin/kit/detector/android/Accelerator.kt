package kit.detector.android

import android.os.Build
import kit.detector.DetectorError
import kit.detector.Engine
import kit.detector.ModelFile
import kit.detector.Rung
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.nnapi.NnApiDelegate

/** What may compute a model, the fastest first. */
enum class Accelerator(val title: String) {
    /** The phone's NPU, through a delegate of the chip's maker that the app brings: see [Detectors.load]. */
    NPU("NPU"),
    GPU("GPU"),

    /** The phone's NPU or DSP through Android's Neural Networks API, which Android 15 has deprecated. */
    NNAPI("NNAPI"),
    CPU("CPU");

    internal fun rung(file: ModelFile, threads: Int, npu: (() -> Delegate)?) = Rung(title) {
        when (this) {
            NPU -> delegated(file, threads, npu ?: throw DetectorError.EngineFailed("the app has no delegate of a chip's maker"))
            GPU -> delegated(file, threads, ::gpu)
            NNAPI -> delegated(file, threads, ::nnapi)
            CPU -> LiteRtEngine.load(file.buffer, "LiteRT, CPU, $threads threads", options(threads))
        }
    }

    private fun delegated(file: ModelFile, threads: Int, make: () -> Delegate): Engine {
        val delegate = failing(make)
        try {
            val engine = LiteRtEngine.load(file.buffer, "LiteRT, $title", options(threads).addDelegate(delegate))
            return Owning(engine, delegate)
        } catch (error: DetectorError) {
            delegate.close()
            throw error
        }
    }

    private fun gpu(): GpuDelegate = CompatibilityList().use { list ->
        if (!list.isDelegateSupportedOnThisDevice) throw DetectorError.EngineFailed("LiteRT does not know this phone's GPU to work")
        GpuDelegate(list.bestOptionsForThisDevice)
    }

    private fun nnapi(): NnApiDelegate {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.P) throw DetectorError.EngineFailed("it needs Android 9 or later")
        // NNAPI's own CPU implementation is slower than LiteRT's.
        return NnApiDelegate(NnApiDelegate.Options().setUseNnapiCpu(false))
    }

    private fun options(threads: Int) = InterpreterApi.Options().setNumThreads(threads)
}

/** A delegate must outlive its interpreter, and nobody else frees it. */
private class Owning(private val engine: Engine, private val delegate: AutoCloseable) : Engine by engine {
    override fun close() {
        engine.close()
        delegate.close()
    }
}
