package kit.app

import android.content.Context
import androidx.camera.core.CameraInfo
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.Preview
import androidx.camera.core.UseCaseGroup
import androidx.camera.core.resolutionselector.AspectRatioStrategy
import androidx.camera.core.resolutionselector.ResolutionSelector
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.camera.view.PreviewView
import androidx.core.content.ContextCompat
import androidx.lifecycle.LifecycleOwner
import java.util.concurrent.ExecutionException
import kit.app.logic.CameraFacts
import kit.app.logic.Lens
import kit.app.logic.lenses
import kotlin.math.abs

/**
 * Shows the camera preview in [view] and passes camera frames to a [DetectionSession] once [bind] was called.
 *
 * CameraX stops the camera while [owner] is in the background and restarts it afterwards.
 */
class Camera(private val context: Context, private val owner: LifecycleOwner, private val view: PreviewView) {
    private var preview: Preview? = null
    private var analysis: ImageAnalysis? = null
    private var bound: Lens? = null
    private var boundFront = false

    /**
     * Opens [lens] of the front camera or the back one for [session], or the other side on a phone that has one only; the
     * normal lens for null. While a frame is analyzed only the newest one waits; older ones are dropped.
     */
    fun bind(session: DetectionSession, isFront: Boolean, lens: Lens?) {
        // The lens that a first call has chosen and reported.
        if (lens != null && lens == bound && isFront == boundFront) return
        val providerFuture = ProcessCameraProvider.getInstance(context)
        providerFuture.addListener({
            try {
                bind(providerFuture.get(), session, isFront, lens)
                session.reportCamera(null)
            } catch (error: ExecutionException) {
                session.reportCamera("The camera cannot be used: ${error.cause?.message}")
            } catch (error: IllegalArgumentException) {
                session.reportCamera("This phone has no such camera, or it is in use: ${error.message}")
            } catch (error: IllegalStateException) {
                session.reportCamera("The camera cannot be used: ${error.message}")
            }
        }, ContextCompat.getMainExecutor(context))
    }

    /**
     * Applies the display's rotation to the preview and to frames. Needed because Android does not recreate
     * the activity between the two landscape orientations.
     */
    fun updateRotation() {
        val rotation = view.display?.rotation ?: return
        preview?.targetRotation = rotation
        analysis?.targetRotation = rotation
    }

    private fun bind(provider: ProcessCameraProvider, session: DetectionSession, isFront: Boolean, wanted: Lens?) {
        // Both use cases need the same field of view, so that boxes match the preview.
        val aspectRatio = ResolutionSelector.Builder()
            .setAspectRatioStrategy(AspectRatioStrategy.RATIO_4_3_FALLBACK_AUTO_STRATEGY)
            .build()
        val preview = Preview.Builder().setResolutionSelector(aspectRatio).build()
        preview.surfaceProvider = view.surfaceProvider
        val analysis = ImageAnalysis.Builder()
            .setResolutionSelector(aspectRatio)
            .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
            .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_YUV_420_888)
            .build()
        val infos = provider.availableCameraInfos
        val facts = infos.mapIndexed(::facts)
        val found = lenses(facts, isFront).ifEmpty { lenses(facts, !isFront) }
        val lens = found.firstOrNull { it == wanted } ?: found.minByOrNull { abs(it.factor - 1) }
            ?: throw IllegalArgumentException("it lists none")
        val isMirrored = facts[lens.camera].isFront
        analysis.setAnalyzer(session.worker) { image -> session.analyze(image, isMirrored) }
        val group = UseCaseGroup.Builder().addUseCase(preview).addUseCase(analysis).build()
        provider.unbindAll()
        val camera = provider.bindToLifecycle(owner, infos[lens.camera].cameraSelector, group)
        camera.cameraControl.setZoomRatio(lens.zoomRatio.toFloat())
        bound = lens
        boundFront = isFront
        session.reportLenses(found, lens)
        this.preview = preview
        this.analysis = analysis
    }

    private fun facts(index: Int, info: CameraInfo): CameraFacts {
        val zoom = info.zoomState.value
        return CameraFacts(
            index, info.lensFacing == CameraSelector.LENS_FACING_FRONT, info.intrinsicZoomRatio.toDouble(),
            (zoom?.minZoomRatio ?: 1f).toDouble(), (zoom?.maxZoomRatio ?: 1f).toDouble(),
        )
    }
}
