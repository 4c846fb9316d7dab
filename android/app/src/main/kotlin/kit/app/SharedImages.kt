package kit.app

import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.net.Uri
import androidx.core.content.FileProvider
import java.io.File
import java.io.IOException
import kit.app.logic.shareName
import kit.detector.Detection
import kit.detector.DetectionResult
import kit.detector.DetectorError
import kit.detector.classHue
import kotlin.math.roundToInt

/** Images with their boxes, for other apps. They lie in the app's cache, so that no permission for storage is needed. */
class SharedImages(private val context: Context) {
    private val folder = File(context.cacheDir, "shared")

    /** Draws [result] into a copy of [image] and stores that. Throws [DetectorError.Unreadable] where there is no room. */
    fun store(image: Bitmap, result: DetectionResult?, model: String?): Uri {
        val file = File(folder, shareName(model, System.currentTimeMillis()))
        try {
            folder.mkdirs()
            // Of old images only the last ones are kept: a receiver may still be reading them.
            folder.listFiles().orEmpty().sortedByDescending { it.lastModified() }.drop(KEPT).forEach { it.delete() }
            val drawn = image.copy(Bitmap.Config.ARGB_8888, true) ?: throw IOException("there is not enough memory")
            result?.let { draw(it.detections, drawn) }
            val isWritten = file.outputStream().use { drawn.compress(Bitmap.CompressFormat.JPEG, QUALITY, it) }
            if (!isWritten) throw IOException("it cannot be compressed")
            return FileProvider.getUriForFile(context, "${context.packageName}.files", file)
        } catch (error: IOException) {
            file.delete()
            throw DetectorError.Unreadable(file.name, "it cannot be stored for sharing: ${error.message}")
        }
    }

    private fun draw(detections: List<Detection>, image: Bitmap) {
        val canvas = Canvas(image)
        val unit = maxOf(image.width, image.height) / 400f
        val line = Paint().apply { style = Paint.Style.STROKE; strokeWidth = maxOf(unit, 2f) }
        val fill = Paint()
        val text = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = Color.BLACK; textSize = maxOf(6 * unit, 14f) }
        // The best one is drawn last, on top, as on the screen.
        for (detection in detections.asReversed()) {
            val color = Color.HSVToColor(floatArrayOf((360 * classHue(detection.classId)).toFloat(), 0.85f, 0.95f))
            line.color = color
            fill.color = color
            val box = detection.box
            val left = box.xmin.toFloat()
            canvas.drawRect(left, box.ymin.toFloat(), box.xmax.toFloat(), box.ymax.toFloat(), line)
            val caption = caption(detection)
            val height = 1.25f * text.textSize
            val top = if (box.ymin >= height) box.ymin.toFloat() - height else box.ymin.toFloat()
            canvas.drawRect(left, top, left + text.measureText(caption) + 2 * unit, top + height, fill)
            canvas.drawText(caption, left + unit, top + text.textSize, text)
        }
    }

    companion object {
        private const val KEPT = 4
        private const val QUALITY = 92

        /** What opens the list of apps that take the image at [uri]. */
        fun intent(uri: Uri): Intent {
            val send = Intent(Intent.ACTION_SEND).setType("image/jpeg").putExtra(Intent.EXTRA_STREAM, uri)
            // The list shows a preview and needs the permission too, which it takes from the clip.
            send.clipData = ClipData.newRawUri(null, uri)
            send.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
            return Intent.createChooser(send, null)
        }
    }
}

/** The text at a box: number, class and score. */
fun caption(detection: Detection): String {
    val number = detection.track?.let { "$it " }.orEmpty()
    return "$number${detection.label} ${(100 * detection.score).roundToInt()} %"
}
