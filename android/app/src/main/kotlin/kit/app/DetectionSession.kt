package kit.app

import android.app.Application
import android.net.Uri
import androidx.camera.core.ImageProxy
import androidx.lifecycle.AndroidViewModel
import kit.detector.Detection
import kit.detector.Detector
import kit.detector.DetectorError
import kit.detector.StepDown
import kit.detector.Timings
import kit.detector.android.Detectors
import kit.detector.android.toFrame
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import java.util.concurrent.Executors

/** One frame's detections with the size of the upright picture that they lie in. */
class Found(val detections: List<Detection>, val timings: Timings, val width: Int, val height: Int, val isMirrored: Boolean)

/** What the screen shows; [problem] and [cameraProblem] say why nothing is found, and are null where all is well. */
data class ScreenState(
    val choices: List<ModelChoice> = emptyList(),
    val chosen: ModelChoice? = null,
    val found: Found? = null,
    val engineName: String = "",
    val stepsDown: List<StepDown> = emptyList(),
    val problem: String? = null,
    val cameraProblem: String? = null,
    val score: Float = 0.5f,
)

/**
 * A detector and what it finds. Outlives turns of the phone and stays while the app is in the background,
 * where the camera gives it no frames.
 *
 * Everything that takes time runs on one thread, [worker]: frames, loading and closing never meet.
 */
class DetectionSession(application: Application) : AndroidViewModel(application) {
    val worker = Executors.newSingleThreadExecutor()

    private val screen = MutableStateFlow(ScreenState())
    val state: StateFlow<ScreenState> = screen.asStateFlow()

    private val library = ModelLibrary(application)

    // Both belong to the worker.
    private var detector: Detector? = null
    private var count = 0L

    init {
        worker.execute {
            refresh()
            screen.value.choices.firstOrNull()?.let(::load)
        }
    }

    fun select(choice: ModelChoice) = worker.execute { load(choice) }

    /** Takes a model that the user has picked into the app, and loads it. */
    fun take(uri: Uri) = worker.execute {
        try {
            val choice = library.take(uri)
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

    /** Looks at one frame, on the worker, and closes it. */
    fun look(image: ImageProxy, isMirrored: Boolean) = image.use {
        val detector = detector ?: return@use
        try {
            val frame = image.toFrame(count++)
            val found = detector.detect(frame)
            val shown = Found(found.detections, found.timings, frame.uprightWidth, frame.uprightHeight, isMirrored)
            screen.update { it.copy(found = shown) }
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
        screen.update { it.copy(chosen = choice, found = null, engineName = "", stepsDown = emptyList(), problem = null) }
        try {
            val loaded = Detectors.load(library.open(choice))
            detector = loaded
            screen.update {
                it.copy(engineName = loaded.engineName, stepsDown = loaded.stepsDown, score = loaded.score.toFloat())
            }
        } catch (error: DetectorError) {
            fail(error)
        }
    }

    private fun close() {
        detector?.close()
        detector = null
    }

    private fun fail(error: DetectorError) = screen.update { it.copy(found = null, problem = error.message) }
}
