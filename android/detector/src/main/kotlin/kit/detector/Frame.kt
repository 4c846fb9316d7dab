package kit.detector

import java.nio.ByteBuffer

/**
 * One picture of a source, as the camera or a file gives it.
 *
 * [width] and [height] are as stored, before [rotation]; [index] counts from 0; [time] is that of the
 * capture in seconds. Throws [DetectorError.BadFrame] where a side is below 1, or a plane has too few
 * bytes for the size.
 */
class Frame(
    val pixels: Pixels,
    val width: Int,
    val height: Int,
    val rotation: Rotation = Rotation.NONE,
    val index: Long = 0,
    val time: Double = 0.0,
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

    /** The sides of the picture as it is meant to be seen. */
    val uprightWidth: Int get() = if (rotation.swapsSides) height else width
    val uprightHeight: Int get() = if (rotation.swapsSides) width else height

    private companion object {
        // Far above any camera, and far below where sums of byte offsets would overflow.
        const val MOST_PIXELS = 1 shl 28
    }
}

/** The pixels of a frame, uint8. */
sealed interface Pixels {
    /** R, G, B of each pixel. */
    class Rgb(val plane: Plane) : Pixels

    /** R, G, B and one byte that does not count: what ImageAnalysis gives as RGBA_8888. */
    class Rgba(val plane: Plane) : Pixels

    /** Luma by pixel, U and V by block of 2 x 2: YUV_420_888, also where U and V share their bytes. */
    class Yuv420(val luma: Plane, val u: Plane, val v: Plane, val color: YuvColor = YuvColor()) : Pixels
}

/**
 * Rows of bytes, each [rowStride] after the one before, pixels [pixelStride] apart; what lies between
 * and behind them is not looked at, and the last row may end with its last pixel.
 *
 * [bytes] count from the buffer's position to its limit, and are read where they lie.
 */
class Plane(bytes: ByteBuffer, val rowStride: Int, val pixelStride: Int) {
    val bytes: ByteBuffer = bytes.slice()

    constructor(bytes: ByteArray, rowStride: Int, pixelStride: Int) : this(ByteBuffer.wrap(bytes), rowStride, pixelStride)

    internal fun check(name: String, columns: Int, rows: Int, pixelBytes: Int) {
        // Interleaved pixels lie side by side; those of one byte may be any distance apart.
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

/** How far a stored picture has to be turned clockwise to be upright. */
enum class Rotation(val degrees: Int) {
    NONE(0), RIGHT(90), HALF(180), LEFT(270);

    /** Whether width and height change places. */
    val swapsSides: Boolean get() = this == RIGHT || this == LEFT

    companion object {
        /** Of `rotationDegrees` as Android gives it. Throws [DetectorError.BadFrame] where it is no quarter turn. */
        fun of(degrees: Int): Rotation = entries.firstOrNull { it.degrees == Math.floorMod(degrees, 360) }
            ?: throw DetectorError.BadFrame("it is turned by $degrees degrees, which is no quarter turn")
    }
}
