package kit.detector

import java.io.File
import java.nio.ByteBuffer

/**
 * What Kotlin takes for a frame before and after the model, as one line of JSON in milliseconds.
 * Called by android/bench.py, which has Python do the same.
 */
object Bench {
    // The JVM compiles what runs often; a phone has done so long before.
    private const val WARM_UP = 2000

    @JvmStatic
    fun main(arguments: Array<String>) {
        val (width, height, count) = arguments.drop(2).map(String::toInt)
        val bytes = File(arguments[1]).readBytes()
        val frames = listOf(rgb(bytes, width, height), camera(bytes, width, height))
        val model = ModelFile.open(arguments[0])
        val engine = Remembering(TensorFlowLiteEngine(model.buffer))
        Detector(model, engine, 0.3).use { detector ->
            // A camera gives frames of one kind.
            val (rgb, yuv) = frames.map { frame ->
                engine.repeats = true
                repeat(WARM_UP) { detector.detect(frame) }
                engine.repeats = false
                List(count) { detector.detect(frame).timings }
            }
            val pre = median(rgb.map { it.preprocess })
            val post = median(rgb.map { it.postprocess })
            println("""{"preprocess": $pre, "postprocess": $post, "yuv": ${median(yuv.map { it.preprocess })}}""")
        }
    }

    /** Gives the last outputs once more while it [repeats], so that what is around the model runs often in little time. */
    private class Remembering(private val engine: Engine) : Engine by engine {
        var repeats = false
        private var last: List<Tensor>? = null

        override fun invoke(input: ByteBuffer): List<Tensor> =
            last?.takeIf { repeats } ?: engine.invoke(input).also { last = it }
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
