package kit.detector.android

import android.content.Context
import java.io.FileInputStream
import java.io.IOException
import java.nio.channels.FileChannel
import kit.detector.Detector
import kit.detector.DetectorError
import kit.detector.Labels
import kit.detector.engine.DelegateFallback
import kit.detector.model.ModelFile
import org.tensorflow.lite.Delegate

/** Loads detectors from files and from the app's assets. */
object Detectors {
    /**
     * Loads the detector in [file] on the first of [accelerators] that loads the model and runs it.
     *
     * `detector.skippedAccelerators` tells why the others before it were skipped. [threads] is the number of CPU
     * threads. [score], [allLabels] and [agnosticIou] are as in [Detector]. [npu] creates the delegate for [Accelerator.NPU]; if it throws, the
     * NPU is skipped. The delegate is closed with the detector.
     *
     * Loading is slow: do not call this on the main thread. Call `detect` on the same thread, which some GPU drivers
     * require. Throws a [DetectorError] if the file is not a detector or no accelerator can run it.
     */
    fun load(
        file: ModelFile,
        accelerators: List<Accelerator> = Accelerator.entries,
        threads: Int = DEFAULT_THREADS,
        score: Double = file.defaultScore,
        npu: (() -> Delegate)? = null,
        allLabels: Boolean = false,
        agnosticIou: Double? = null,
    ): Detector {
        val fallback = DelegateFallback.select(accelerators.map { it.delegateChoice(file, threads, npu) })
        return Detector(file, fallback.engine, score, fallback.skippedAccelerators, allLabels, agnosticIou)
    }

    /**
     * Opens the asset [name] by mapping it into memory. It must be uncompressed in the package, which is the Android
     * Gradle plugin's default for `.tflite`. [labels] override those in the file. Throws a [DetectorError].
     */
    fun asset(context: Context, name: String, labels: Labels? = null): ModelFile {
        val buffer = try {
            context.assets.openFd(name).use { asset ->
                FileInputStream(asset.fileDescriptor).use { stream ->
                    stream.channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.declaredLength)
                }
            }
        } catch (error: IOException) {
            throw DetectorError.Unreadable(name, error.message ?: "the app has no such asset, or it is compressed")
        }
        return ModelFile(buffer, name, labels)
    }

    // Phones have at least two fast cores; more threads would wait for the slow cores.
    private const val DEFAULT_THREADS = 2
}
