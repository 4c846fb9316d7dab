package kit.app

import android.app.Application
import android.net.Uri
import androidx.camera.core.ImageProxy
import androidx.lifecycle.AndroidViewModel
import java.util.concurrent.Executors
import kit.detector.Detection
import kit.detector.Detector
import kit.detector.DetectorError
import kit.detector.Timings
import kit.detector.android.Detectors
import kit.detector.android.toFrame
import kit.detector.engine.SkippedAccelerator
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update

/** One frame's detections, and the size in pixels of the upright image that their boxes refer to. */
class FrameResult(val detections: List<Detection>, val timings: Timings, val width: Int, val height: Int, val isMirrored: Boolean)

/**
 * What the screen shows. [problem] and [cameraProblem] are error messages, null while there is no error. [score] is the
 * threshold, at first the one in the model's file; null until a model is loaded.
 */
data class ScreenState(
    val choices: List<ModelChoice> = emptyList(),
    val chosen: ModelChoice? = null,
    val result: FrameResult? = null,
    val engineName: String = "",
    val skippedAccelerators: List<SkippedAccelerator> = emptyList(),
    val problem: String? = null,
    val cameraProblem: String? = null,
    val score: Float? = null,
)

/**
 * Holds the detector and its latest result. Survives rotations of the phone, and keeps the model loaded while
 * the app is in the background, where the camera delivers no frames.
 *
 * Slow work runs on one thread, [worker], so that detection, loading and closing never overlap.
 */
class DetectionSession(application: Application) : AndroidViewModel(application) {
    val worker = Executors.newSingleThreadExecutor()

    private val screen = MutableStateFlow(ScreenState())
    val state: StateFlow<ScreenState> = screen.asStateFlow()

    private val library = ModelLibrary(application)

    // Accessed on the worker only.
    private var detector: Detector? = null
    private var frameCount = 0L

    init {
        worker.execute {
            refresh()
            screen.value.choices.firstOrNull()?.let(::load)
        }
    }

    fun select(choice: ModelChoice) = worker.execute { load(choice) }

    /** Copies a model that the user has picked into the app, and loads it. */
    fun importModel(uri: Uri) = worker.execute {
        try {
            val choice = library.importModel(uri)
            refresh()
            load(choice)
        } catch (error: DetectorError) {
            fail(error)
        }
    }

    fun setScore(score: Float) {
        screen.update { it.copy(score = score) }
        worker.execute { detector?.score = score.toDouble() }
    }

    /** Runs the detector on one frame and closes the frame. Call on [worker]. */
    fun analyze(image: ImageProxy, isMirrored: Boolean) = image.use {
        val detector = detector ?: return@use
        try {
            val frame = image.toFrame(frameCount++)
            val detected = detector.detect(frame)
            val result = FrameResult(detected.detections, detected.timings, frame.uprightWidth, frame.uprightHeight, isMirrored)
            screen.update { it.copy(result = result) }
        } catch (error: DetectorError) {
            close()
            fail(error)
        }
    }

    fun reportCamera(problem: String?) = screen.update { it.copy(cameraProblem = problem) }

    override fun onCleared() {
        worker.execute(::close)
        worker.shutdown()
    }

    private fun refresh() = library.choices().let { choices -> screen.update { it.copy(choices = choices) } }

    private fun load(choice: ModelChoice) {
        close()
        screen.update { it.copy(chosen = choice, result = null, engineName = "", skippedAccelerators = emptyList(), problem = null) }
        try {
            val loaded = Detectors.load(library.open(choice))
            detector = loaded
            screen.update {
                it.copy(engineName = loaded.engineName, skippedAccelerators = loaded.skippedAccelerators, score = loaded.score.toFloat())
            }
        } catch (error: DetectorError) {
            fail(error)
        }
    }

    private fun close() {
        detector?.close()
        detector = null
    }

    private fun fail(error: DetectorError) = screen.update { it.copy(result = null, problem = error.message) }
}
