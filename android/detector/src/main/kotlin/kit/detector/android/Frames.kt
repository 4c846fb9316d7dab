package kit.detector.android

import android.graphics.Bitmap
import android.graphics.ImageFormat
import android.graphics.PixelFormat
import android.media.Image
import androidx.camera.core.ImageProxy
import java.nio.ByteBuffer
import kit.detector.DetectorError
import kit.detector.Frame
import kit.detector.Pixels
import kit.detector.Plane
import kit.detector.Rotation
import kit.detector.YuvColor

/**
 * A frame from a CameraX image, without copying: close the image only after detection. The crop rectangle is ignored.
 *
 * Accepts both output formats of `ImageAnalysis`, YUV_420_888 and RGBA_8888. Throws [DetectorError.BadFrame] for any
 * other format.
 */
public fun ImageProxy.toFrame(): Frame {
    val planes = planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
    return frame(format, planes, width, height, imageInfo.rotationDegrees, imageInfo.timestamp)
}

/** A frame from an image of camera2 or MediaCodec; [rotationDegrees] is the clockwise rotation that makes it upright. */
public fun Image.toFrame(rotationDegrees: Int): Frame {
    val planes = planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
    return frame(format, planes, width, height, rotationDegrees, timestamp)
}

/**
 * A frame from a bitmap of any configuration; [rotationDegrees] is the clockwise rotation that makes it upright, and
 * [timestamp] its time in seconds, for a bitmap out of a video.
 */
public fun Bitmap.toFrame(rotationDegrees: Int = 0, timestamp: Double = 0.0): Frame {
    val argb = if (config == Bitmap.Config.ARGB_8888) this else copy(Bitmap.Config.ARGB_8888, false)
    argb ?: throw DetectorError.BadFrame("its bitmap of $config cannot be copied")
    // In memory, ARGB_8888 is ordered R, G, B, A.
    val bytes = ByteBuffer.allocate(argb.rowBytes * argb.height)
    argb.copyPixelsToBuffer(bytes)
    bytes.flip()
    return Frame(Pixels.Rgba(Plane(bytes, argb.rowBytes, 4)), argb.width, argb.height, Rotation.of(rotationDegrees), timestamp)
}

private fun frame(
    format: Int, planes: List<Plane>, width: Int, height: Int, rotationDegrees: Int, nanoseconds: Long,
): Frame {
    val pixels = when {
        format == ImageFormat.YUV_420_888 && planes.size == 3 -> Pixels.Yuv420(planes[0], planes[1], planes[2], YuvColor())
        format == PixelFormat.RGBA_8888 && planes.size == 1 -> Pixels.Rgba(planes[0])
        else -> throw DetectorError.BadFrame("its format $format is neither YUV_420_888 nor RGBA_8888")
    }
    return Frame(pixels, width, height, Rotation.of(rotationDegrees), nanoseconds / 1e9)
}
