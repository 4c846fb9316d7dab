package kit.app

import android.graphics.Bitmap
import android.net.Uri
import kit.app.logic.EngineRow
import kit.app.logic.Heat
import kit.app.logic.Lens
import kit.app.logic.SustainedSpeed
import kit.app.logic.ZoneEditor
import kit.detector.DetectionResult

/**
 * What the screen shows. [problem] and [cameraProblem] are error messages, null while there is no error. [engine] is the
 * name of the engine that the user chose, null for the fastest. [score] is the threshold, at first the one in the model's
 * file; null until a model is loaded. [photo] is the image from the gallery, or the frame of the [video], that is shown
 * instead of the camera. [shared] is the image that is to be handed to another app.
 */
data class ScreenState(
    val models: List<ModelChoice> = emptyList(),
    val model: ModelChoice? = null,
    val engines: List<EngineRow> = emptyList(),
    val engine: String? = null,
    val isLoading: Boolean = false,
    val result: DetectionResult? = null,
    val isMirrored: Boolean = false,
    val engineName: String = "",
    val problem: String? = null,
    val cameraProblem: String? = null,
    val score: Float? = null,
    val isTracking: Boolean = false,
    val photo: Bitmap? = null,
    val video: VideoState? = null,
    val zones: ZoneEditor = ZoneEditor(),
    val isEditing: Boolean = false,
    val heat: Heat = Heat.NORMAL,
    val speedAtFirst: SustainedSpeed.Speed? = null,
    val speed: SustainedSpeed.Speed? = null,
    val isFront: Boolean = false,
    val lenses: List<Lens> = emptyList(),
    val lens: Lens? = null,
    val shared: Uri? = null,
) {
    /** What the zones belong to beside the model: a lens of a camera, or the gallery. */
    val camera: String get() = when {
        photo != null || video != null -> "gallery"
        else -> "${if (isFront) "front" else "back"} ${lens?.factor ?: 1.0}"
    }
}

/** A video from the gallery; [progress] is in 0..1. [isHdr] says that its colors were mapped to those of a screen. */
data class VideoState(val isPlaying: Boolean, val progress: Float, val isAtEnd: Boolean, val isHdr: Boolean)
