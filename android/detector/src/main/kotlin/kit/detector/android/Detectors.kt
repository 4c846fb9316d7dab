package kit.detector.android

import android.content.Context
import kit.detector.Detector
import kit.detector.DetectorError
import kit.detector.Labels
import kit.detector.Ladder
import kit.detector.ModelFile
import org.tensorflow.lite.Delegate
import java.io.FileInputStream
import java.io.IOException
import java.nio.channels.FileChannel

/** Loads detectors from files and from the app's assets. */
object Detectors {
    /**
     * The detector in [file], on the first of [accelerators] that loads the model and runs it.
     *
     * `detector.stepsDown` has the reason for each that does not. [npu] makes the delegate behind
     * [Accelerator.NPU]; what it throws is the reason against it, and it is closed with the detector.
     * Takes its time: not for the main thread. Call `detect` on the thread that loaded: a GPU's driver may
     * insist on it. Throws a [DetectorError] where the file is no detector, or nothing can run it.
     */
    fun load(
        file: ModelFile,
        accelerators: List<Accelerator> = Accelerator.entries,
        threads: Int = DEFAULT_THREADS,
        score: Double = file.defaultScore,
        npu: (() -> Delegate)? = null,
    ): Detector {
        val ladder = Ladder.climb(accelerators.map { it.rung(file, threads, npu) })
        return Detector(file, ladder.engine, score, ladder.stepsDown)
    }

    /**
     * The asset [name], mapped into memory, which wants it uncompressed in the package: the plugin
     * leaves `.tflite` so by itself. Throws a [DetectorError].
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

    // Phones have two or more fast cores; more threads than that wait for the slow ones.
    private const val DEFAULT_THREADS = 2
}
