package kit.detector

import java.io.File
import java.nio.ByteBuffer

/**
 * What Kotlin takes for a frame before and after the model, as one line of JSON in milliseconds.
 * Called by android/bench.py, which has Python do the same.
 */
object Bench {
    // The JVM compiles what runs often; a phone has done so long before.
    private const val WARM_UP = 20

    @JvmStatic
    fun main(arguments: Array<String>) {
        val (width, height, count) = arguments.drop(2).map(String::toInt)
        val bytes = File(arguments[1]).readBytes()
        val frames = listOf(rgb(bytes, width, height), camera(bytes, width, height))
        open(File(arguments[0]), 0.3).use { detector ->
            repeat(20 * WARM_UP) { for (frame in frames) detector.preprocess(frame) }
            val timings = List(WARM_UP + count) { frames.map { detector.detect(it).timings } }.drop(WARM_UP)
            val pre = median(timings.map { it[0].preprocess })
            val post = median(timings.map { it[0].postprocess })
            println("""{"preprocess": $pre, "postprocess": $post, "yuv": ${median(timings.map { it[1].preprocess })}}""")
        }
    }

    /** The first bytes as a camera gives them: in direct buffers, luma, then U and V in turn. */
    private fun camera(bytes: ByteArray, width: Int, height: Int): Frame {
        fun part(start: Int, size: Int) = ByteBuffer.allocateDirect(size).put(bytes, start, size).apply { flip() }
        val luma = part(0, width * height)
        val chroma = part(width * height, width * height / 2)
        val fromV = chroma.duplicate().apply { position(1) }
        return Frame(Pixels.Yuv420(Plane(luma, width, 1), Plane(chroma, width, 2), Plane(fromV, width, 2)), width, height)
    }

    private fun median(values: List<Double>): Double = values.sorted()[values.size / 2]
}
