package kit.detector.preprocessing

import java.io.File
import java.nio.ByteBuffer
import kit.detector.DetectorError
import kit.detector.Frame
import kit.detector.Pixels
import kit.detector.TestData
import kit.detector.Plane
import kit.detector.Rotation
import kit.detector.Test
import kit.detector.YuvColor
import kit.detector.fails
import kit.detector.noise
import kit.detector.open
import kit.detector.resized
import kit.detector.rgb
import kit.detector.same
import kit.detector.sha256
import kit.detector.yuvLayouts

fun frameTests(data: TestData) = listOf(
    Test("rotated frames give the same tensor") {
        val model = File(data.golden, "detector_int8.tflite")
        open(model, 0.3).use { detector ->
            val width = 67
            val height = 41
            val bytes = noise(7, 3 * width * height)
            val upright = sha256(detector.preprocess(rgb(bytes, width, height)))
            for (rotation in Rotation.entries) {
                val frame = rotated(bytes, width, height, rotation)
                same(frame.uprightWidth to frame.uprightHeight, width to height)
                same(sha256(detector.preprocess(frame)), upright, "$rotation")
            }
        }
    },
    Test("rotated YUV gives the same pixels as rotated RGB") {
        // Weighted, halved, and midpoint resampling, with pairs in one chroma block and in two.
        for ((width, height) in listOf(33 to 18, 40 to 48, 40 to 27, 27 to 40, 80 to 54, 54 to 80)) {
            for (rotation in Rotation.entries) {
                for (color in listOf(YuvColor(), YuvColor(YuvColor.Matrix.BT709, isFullRange = false))) {
                    checkRotatedYuv(rotation, width, height, color)
                }
            }
        }
    },
    Test("camera frames do not affect later ones") {
        val scratch = Scratch()
        val bilinear = Bilinear(20, 24)
        for (seed in 1..3) {
            val frame = Frame(yuvLayouts(noise(seed, 80 * 54), noise(9 + seed, 80 * 27), 80, 54, YuvColor())[1], 80, 54)
            val encoder = ByteEncoder(20, 24, isSigned = false)
            bilinear.resize(PixelSource.of(frame, scratch), encoder)
            same(sha256(encoder.tensor), sha256(resized(frame, 20, 24)), "frame $seed")
        }
    },
    Test("RGBA with padded rows gives the same pixels as RGB") {
        val width = 31
        val height = 17
        val bytes = noise(3, 3 * width * height)
        val rgba = ByteBuffer.allocateDirect((height - 1) * 140 + 4 * width)
        for (y in 0 until height) {
            for (x in 0 until width) for (c in 0 until 3) rgba.put(140 * y + 4 * x + c, bytes[3 * (y * width + x) + c])
        }
        val frame = Frame(Pixels.Rgba(Plane(rgba, 140, 4)), width, height)
        same(sha256(resized(frame, 20, 24)), sha256(resized(rgb(bytes, width, height), 20, 24)))
    },
    Test("a detector accepts frames of the same size with other strides") {
        val model = File(data.golden, "detector_int8.tflite")
        open(model, 0.3).use { detector ->
            val width = 50
            val height = 30
            val bytes = noise(5, 3 * width * height)
            var expected: String? = null
            // Rotated, so that column offsets depend on the row stride.
            for (stride in listOf(3 * width, 160, 3 * width, 171)) {
                val rows = ByteArray(stride * height)
                for (y in 0 until height) bytes.copyInto(rows, stride * y, 3 * width * y, 3 * width * (y + 1))
                val frame = Frame(Pixels.Rgb(Plane(rows, stride, 3)), width, height, Rotation.RIGHT)
                val actual = sha256(detector.preprocess(frame))
                same(actual, expected ?: actual.also { expected = it }, "rows of $stride bytes")
            }
        }
    },
    Test("a white image stays white for any row weights") {
        for (height in 1..100) {
            val white = ByteArray(3 * 80 * height) { -1 }
            same(resized(rgb(white, 80, height), 20, 24).count { it == (-1).toByte() }, 3 * 20 * 24, "80 x $height")
        }
    },
    Test("invalid frames are rejected") {
        val bytes = ByteArray(64)
        for ((width, height) in listOf(0 to 4, 4 to 0, -1 to 4, (1 shl 20) to (1 shl 20))) {
            fails<DetectorError.BadFrame> { rgb(bytes, width, height) }
        }
        fails<DetectorError.BadFrame> { rgb(ByteArray(47), 4, 4) }
        rgb(ByteArray(48), 4, 4)
        fails<DetectorError.BadFrame> { Frame(Pixels.Rgb(Plane(bytes, 11, 3)), 4, 4) }
        fails<DetectorError.BadFrame> { Frame(Pixels.Rgba(Plane(bytes, 16, 3)), 4, 4) }
        fails<DetectorError.BadFrame> { Frame(Pixels.Rgb(Plane(bytes, -12, 3)), 4, 4) }
        val luma = Plane(bytes, 5, 1)
        Frame(Pixels.Yuv420(luma, Plane(ByteArray(9), 3, 1), Plane(ByteArray(9), 3, 1)), 5, 5)
        fails<DetectorError.BadFrame> { Frame(Pixels.Yuv420(luma, Plane(ByteArray(8), 3, 1), Plane(ByteArray(9), 3, 1)), 5, 5) }
        fails<DetectorError.BadFrame> { Frame(Pixels.Yuv420(luma, Plane(ByteArray(9), 3, 0), Plane(ByteArray(9), 3, 1)), 5, 5) }
        fails<DetectorError.BadFrame> { Rotation.of(45) }
        same(Rotation.of(-90), Rotation.LEFT)
    },
)

/** The image stored so that [rotation] makes it upright. */
private fun rotated(bytes: ByteArray, width: Int, height: Int, rotation: Rotation): Frame {
    val (storedWidth, storedHeight) = if (rotation.swapsSides) height to width else width to height
    val stored = ByteArray(bytes.size)
    for (y in 0 until height) {
        for (x in 0 until width) {
            // Rotating clockwise by 90 degrees moves the stored left column, read upwards, to the top row.
            val (sx, sy) = when (rotation) {
                Rotation.NONE -> x to y
                Rotation.RIGHT -> y to width - 1 - x
                Rotation.HALF -> width - 1 - x to height - 1 - y
                Rotation.LEFT -> height - 1 - y to x
            }
            for (c in 0 until 3) stored[3 * (sy * storedWidth + sx) + c] = bytes[3 * (y * width + x) + c]
        }
    }
    return Frame(Pixels.Rgb(Plane(stored, 3 * storedWidth, 3)), storedWidth, storedHeight, rotation)
}

private fun checkRotatedYuv(rotation: Rotation, width: Int, height: Int, color: YuvColor) {
    val chroma = noise(2, 2 * ((width + 1) / 2) * ((height + 1) / 2))
    val pixels = yuvLayouts(noise(1, width * height), chroma, width, height, color)[1]
    val plain = resized(Frame(pixels, width, height), width, height)
    val fromRgb = Frame(Pixels.Rgb(Plane(plain, 3 * width, 3)), width, height, rotation)
    val actual = resized(Frame(pixels, width, height, rotation), 20, 24)
    same(sha256(actual), sha256(resized(fromRgb, 20, 24)), "$width x $height $rotation $color")
}
