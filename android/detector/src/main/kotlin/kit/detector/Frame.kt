package kit.detector

import java.nio.ByteBuffer

/**
 * One image from a camera or a file.
 *
 * [width] and [height] are in pixels as stored, before [rotation]. [timestamp] is
 * the capture time in seconds. The constructor throws [DetectorError.BadFrame] if width or height is below 1, or if a
 * plane has too few bytes for the size.
 */
public class Frame(
    public val pixels: Pixels,
    public val width: Int,
    public val height: Int,
    public val rotation: Rotation = Rotation.NONE,
    public val timestamp: Double = 0.0,
) {
    init {
        if (width < 1 || height < 1 || width > MOST_PIXELS / height) {
            throw DetectorError.BadFrame("it is $width x $height")
        }
        when (pixels) {
            is Pixels.Rgb -> pixels.plane.check("RGB", width, height, 3)
            is Pixels.Rgba -> pixels.plane.check("RGBA", width, height, 4)
            is Pixels.Yuv420 -> {
                pixels.luma.check("luma", width, height, 1)
                pixels.u.check("U", (width + 1) / 2, (height + 1) / 2, 1)
                pixels.v.check("V", (width + 1) / 2, (height + 1) / 2, 1)
            }
        }
    }

    /** Width and height in pixels of the upright image, after [rotation]. */
    public val uprightWidth: Int get() = if (rotation.swapsSides) height else width
    public val uprightHeight: Int get() = if (rotation.swapsSides) width else height

    private companion object {
        // Far above any camera, and small enough that byte offsets do not overflow.
        const val MOST_PIXELS = 1 shl 28
    }
}

/** The pixels of a frame, uint8. */
public sealed interface Pixels {
    /** R, G, B of each pixel. */
    public class Rgb(public val plane: Plane) : Pixels

    /** R, G, B and an unused byte of each pixel: RGBA_8888 of ImageAnalysis. */
    public class Rgba(public val plane: Plane) : Pixels

    /** One luma value for each pixel, one U and one V for each block of 2 x 2: YUV_420_888, planar or interleaved. */
    public class Yuv420(public val luma: Plane, public val u: Plane, public val v: Plane, public val color: YuvColor = YuvColor()) : Pixels
}

/**
 * A plane of pixel values in rows. [rowStride] is the distance between rows and [pixelStride] the distance between
 * pixels, both in bytes. Padding is ignored; the last row may end with its last pixel.
 *
 * [bytes] are those from the buffer's position to its limit. They are not copied.
 */
public class Plane(bytes: ByteBuffer, public val rowStride: Int, public val pixelStride: Int) {
    public val bytes: ByteBuffer = bytes.slice()

    public constructor(bytes: ByteArray, rowStride: Int, pixelStride: Int) : this(ByteBuffer.wrap(bytes), rowStride, pixelStride)

    internal fun check(name: String, columns: Int, rows: Int, pixelBytes: Int) {
        // Interleaved pixels are contiguous; pixels of one byte may have any stride.
        if (if (pixelBytes == 1) pixelStride < 1 else pixelStride != pixelBytes) {
            throw DetectorError.BadFrame("its $name pixels are $pixelStride bytes apart")
        }
        val rowBytes = (columns - 1L) * pixelStride + pixelBytes
        if (rowStride < rowBytes) {
            throw DetectorError.BadFrame("its $name rows have $rowStride bytes; its width needs $rowBytes")
        }
        val needed = (rows - 1L) * rowStride + rowBytes
        if (bytes.limit() < needed) {
            throw DetectorError.BadFrame("its $name has ${bytes.limit()} bytes; $rows rows need $needed")
        }
    }
}

/** The clockwise rotation that makes a stored image upright. */
public enum class Rotation(public val degrees: Int) {
    NONE(0), RIGHT(90), HALF(180), LEFT(270);

    /** Whether the rotation swaps width and height. */
    public val swapsSides: Boolean get() = this == RIGHT || this == LEFT

    public companion object {
        /** The rotation for Android's `rotationDegrees`. Throws [DetectorError.BadFrame] unless [degrees] is a multiple of 90. */
        public fun of(degrees: Int): Rotation = entries.firstOrNull { it.degrees == degrees.mod(360) }
            ?: throw DetectorError.BadFrame("its rotation of $degrees degrees is not a multiple of 90")
    }
}
