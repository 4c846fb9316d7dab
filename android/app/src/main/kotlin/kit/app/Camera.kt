package kit.app

import android.content.Context
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

/**
 * Shows the camera in [view] and hands its frames to the session, from when [bind] is called on.
 *
 * CameraX stops it while [owner] is in the background, and goes on afterwards.
 */
class Camera(private val context: Context, private val owner: LifecycleOwner, private val view: PreviewView) {
    private var preview: Preview? = null
    private var analysis: ImageAnalysis? = null

    /** Only the newest frame waits; older ones are dropped. */
    fun bind(session: DetectionSession, isFront: Boolean) {
        val request = ProcessCameraProvider.getInstance(context)
        request.addListener({
            try {
                bind(request.get(), session, isFront)
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
     * Follows the display to another rotation. From one landscape to the other Android makes no new activity,
     * and frames would go on to be turned as before.
     */
    fun turn() {
        val rotation = view.display?.rotation ?: return
        preview?.targetRotation = rotation
        analysis?.targetRotation = rotation
    }

    private fun bind(provider: ProcessCameraProvider, session: DetectionSession, isFront: Boolean) {
        // Both see the same part of the world, so that boxes lie where the preview shows their objects.
        val sameShape = ResolutionSelector.Builder()
            .setAspectRatioStrategy(AspectRatioStrategy.RATIO_4_3_FALLBACK_AUTO_STRATEGY)
            .build()
        val preview = Preview.Builder().setResolutionSelector(sameShape).build()
        preview.surfaceProvider = view.surfaceProvider
        val analysis = ImageAnalysis.Builder()
            .setResolutionSelector(sameShape)
            .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
            .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_YUV_420_888)
            .build()
        analysis.setAnalyzer(session.worker) { image -> session.look(image, isFront) }
        val selector = if (isFront) CameraSelector.DEFAULT_FRONT_CAMERA else CameraSelector.DEFAULT_BACK_CAMERA
        val group = UseCaseGroup.Builder().addUseCase(preview).addUseCase(analysis).build()
        provider.unbindAll()
        provider.bindToLifecycle(owner, selector, group)
        this.preview = preview
        this.analysis = analysis
    }
}
