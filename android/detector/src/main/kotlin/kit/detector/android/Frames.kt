package kit.detector.android

import android.graphics.Bitmap
import android.graphics.ImageFormat
import android.graphics.PixelFormat
import android.media.Image
import androidx.camera.core.ImageProxy
import kit.detector.DetectorError
import kit.detector.Frame
import kit.detector.Pixels
import kit.detector.Plane
import kit.detector.Rotation
import kit.detector.YuvColor
import java.nio.ByteBuffer

/**
 * A frame of CameraX, read where it lies: close the image only after it has been looked at.
 * It is the whole image, whatever its crop rectangle says.
 *
 * Takes YUV_420_888 and RGBA_8888, whichever `ImageAnalysis` is set to. Throws [DetectorError.BadFrame]
 * for anything else.
 */
fun ImageProxy.toFrame(index: Long = 0): Frame {
    val planes = planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
    return frame(format, planes, width, height, imageInfo.rotationDegrees, index, imageInfo.timestamp)
}

/** The same for an image of camera2 or MediaCodec; [rotationDegrees] is how far it must be turned clockwise. */
fun Image.toFrame(rotationDegrees: Int, index: Long = 0): Frame {
    val planes = planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
    return frame(format, planes, width, height, rotationDegrees, index, timestamp)
}

/** A picture of any configuration; those of others than ARGB_8888, in the GPU's memory too, are copied into that one. */
fun Bitmap.toFrame(rotationDegrees: Int = 0): Frame {
    val plain = if (config == Bitmap.Config.ARGB_8888) this else copy(Bitmap.Config.ARGB_8888, false)
    plain ?: throw DetectorError.BadFrame("its bitmap of $config cannot be copied")
    // In memory ARGB_8888 is R, G, B and A.
    val bytes = ByteBuffer.allocate(plain.rowBytes * plain.height)
    plain.copyPixelsToBuffer(bytes)
    bytes.flip()
    return Frame(Pixels.Rgba(Plane(bytes, plain.rowBytes, 4)), plain.width, plain.height, Rotation.of(rotationDegrees))
}

private fun frame(
    format: Int, planes: List<Plane>, width: Int, height: Int, rotationDegrees: Int, index: Long, nanoseconds: Long,
): Frame {
    val pixels = when {
        format == ImageFormat.YUV_420_888 && planes.size == 3 -> Pixels.Yuv420(planes[0], planes[1], planes[2], YuvColor())
        format == PixelFormat.RGBA_8888 && planes.size == 1 -> Pixels.Rgba(planes[0])
        else -> throw DetectorError.BadFrame("its format $format is neither YUV_420_888 nor RGBA_8888")
    }
    return Frame(pixels, width, height, Rotation.of(rotationDegrees), index, nanoseconds / 1e9)
}
