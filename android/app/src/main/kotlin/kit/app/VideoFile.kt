package kit.app

import android.content.Context
import android.graphics.Bitmap
import android.media.MediaFormat
import android.media.MediaMetadataRetriever
import android.net.Uri
import android.os.Build
import java.io.IOException
import kit.detector.DetectorError

/**
 * The frames of the video at [uri]. Reads files: do not call on the main thread. The constructor throws
 * [DetectorError.Unreadable] for a file without frames to show.
 */
class VideoFile(context: Context, private val uri: Uri) : AutoCloseable {
    private val retriever = MediaMetadataRetriever()

    /** In seconds. */
    val duration: Double

    /** The frames a second; null where the file or Android does not tell. */
    val framesPerSecond: Double?
    val isHdr: Boolean

    init {
        try {
            readable("it is damaged, protected by DRM, or of a kind that this phone does not play") { retriever.setDataSource(context, uri) }
            if (text(MediaMetadataRetriever.METADATA_KEY_HAS_VIDEO) != "yes") throw unreadable("it has no video track, only sound")
            duration = (text(MediaMetadataRetriever.METADATA_KEY_DURATION)?.toDoubleOrNull() ?: 0.0) / 1000
            framesPerSecond = frameCount()?.takeIf { duration > 0 }?.let { it / duration }
            isHdr = Build.VERSION.SDK_INT >= Build.VERSION_CODES.R && transfer() in HDR
        } catch (error: DetectorError) {
            close()
            throw error
        }
    }

    /** The upright frame at [position], in seconds, at most [MOST_SIDE] pixels wide and high. Throws [DetectorError.Unreadable]. */
    fun frame(position: Double): Bitmap {
        val microseconds = (position * 1e6).toLong()
        val reason = "its frame at %.1f s cannot be decoded: it is damaged, protected by DRM, or of a format that this phone has no decoder for"
        val frame = readable(reason.format(position)) {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O_MR1) {
                retriever.getScaledFrameAtTime(microseconds, MediaMetadataRetriever.OPTION_CLOSEST, MOST_SIDE, MOST_SIDE)
            } else {
                retriever.getFrameAtTime(microseconds, MediaMetadataRetriever.OPTION_CLOSEST)
            }
        }
        return frame ?: throw unreadable(reason.format(position))
    }

    override fun close() {
        try {
            retriever.release()
        } catch (_: IOException) {
            // Nothing is written, so nothing is lost.
        }
    }

    private fun text(key: Int): String? = retriever.extractMetadata(key)

    private fun frameCount(): Double? =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) text(MediaMetadataRetriever.METADATA_KEY_VIDEO_FRAME_COUNT)?.toDoubleOrNull() else null

    private fun transfer(): Int? = text(MediaMetadataRetriever.METADATA_KEY_COLOR_TRANSFER)?.toIntOrNull()

    /** The retriever throws RuntimeExceptions of any kind for what it cannot read, and SecurityException for what it may not. */
    private fun <T> readable(reason: String, read: () -> T): T = try {
        read()
    } catch (error: RuntimeException) {
        throw unreadable("$reason (${error.message ?: error})")
    }

    private fun unreadable(reason: String) = DetectorError.Unreadable("the video $uri", reason)

    private companion object {
        const val MOST_SIDE = 1280
        val HDR = listOf(MediaFormat.COLOR_TRANSFER_ST2084, MediaFormat.COLOR_TRANSFER_HLG)
    }
}
