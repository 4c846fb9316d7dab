package kit.detector.android

import android.os.Build
import kit.detector.DetectorError
import kit.detector.engine.DelegateChoice
import kit.detector.engine.Engine
import kit.detector.model.ModelFile
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.nnapi.NnApiDelegate

/** The processors that can run a model, fastest first. [title] is the name to show to users. */
enum class Accelerator(val title: String) {
    /** The phone's NPU, with a chip vendor's delegate that the app provides: see [Detectors.load]. */
    NPU("NPU"),
    GPU("GPU"),

    /** The phone's NPU or DSP with Android's Neural Networks API, deprecated since Android 15. */
    NNAPI("NNAPI"),
    CPU("CPU");

    internal fun delegateChoice(file: ModelFile, threads: Int, npu: (() -> Delegate)?) = DelegateChoice(title) {
        when (this) {
            NPU -> loadWithDelegate(file, threads, npu ?: throw DetectorError.EngineFailed("the app provides no NPU delegate"))
            GPU -> loadWithDelegate(file, threads, ::gpu)
            NNAPI -> loadWithDelegate(file, threads, ::nnapi)
            CPU -> LiteRtEngine.load(file.buffer, "LiteRT, CPU, $threads threads", options(threads))
        }
    }

    private fun loadWithDelegate(file: ModelFile, threads: Int, make: () -> Delegate): Engine {
        val delegate = wrappingErrors(make)
        try {
            val engine = LiteRtEngine.load(file.buffer, "LiteRT, $title", options(threads).addDelegate(delegate))
            return EngineWithDelegate(engine, delegate)
        } catch (error: DetectorError) {
            delegate.close()
            throw error
        }
    }

    private fun gpu(): GpuDelegate = CompatibilityList().use { list ->
        if (!list.isDelegateSupportedOnThisDevice) {
            throw DetectorError.EngineFailed("this phone's GPU is not in LiteRT's list of supported ones")
        }
        GpuDelegate(list.bestOptionsForThisDevice)
    }

    private fun nnapi(): NnApiDelegate {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.P) throw DetectorError.EngineFailed("it needs Android 9 or later")
        // NNAPI's own CPU implementation is slower than LiteRT's.
        return NnApiDelegate(NnApiDelegate.Options().setUseNnapiCpu(false))
    }

    private fun options(threads: Int) = InterpreterApi.Options().setNumThreads(threads)
}

/** Closes the delegate after its interpreter, which must not outlive it. */
private class EngineWithDelegate(private val engine: Engine, private val delegate: AutoCloseable) : Engine by engine {
    override fun close() {
        engine.close()
        delegate.close()
    }
}
