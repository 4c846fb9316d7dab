package kit.detector.android

import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import java.util.concurrent.Executor
import kit.detector.DetectionResult
import kit.detector.Detector
import kit.detector.DetectorError
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate

/**
 * Runs [detector] on the frames of CameraX, and closes them.
 *
 * Set `STRATEGY_KEEP_ONLY_LATEST` on the `ImageAnalysis`, so that frames that arrive meanwhile are dropped, and give
 * `setAnalyzer` an executor other than the main one. [onResult] and [onError] are called on that executor.
 */
public class DetectorAnalyzer(
    private val detector: Detector,
    private val onError: (DetectorError) -> Unit = {},
    private val onResult: (DetectionResult) -> Unit,
) : ImageAnalysis.Analyzer {
    override fun analyze(image: ImageProxy) {
        val result = image.use {
            try {
                detector.detectBlocking(it.toFrame())
            } catch (error: DetectorError) {
                onError(error)
                null
            }
        }
        result?.let(onResult)
    }
}

/**
 * The results of [detector] for the frames of this camera, while they are collected; only the newest one waits for a slow
 * collector. The frames are analyzed on [executor]. Errors are passed to [onError], and frames after them are analyzed.
 */
public fun ImageAnalysis.results(
    detector: Detector,
    executor: Executor,
    onError: (DetectorError) -> Unit = {},
): Flow<DetectionResult> = callbackFlow {
    setAnalyzer(executor, DetectorAnalyzer(detector, onError) { trySend(it) })
    awaitClose { clearAnalyzer() }
}.conflate()
