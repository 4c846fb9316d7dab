package kit.detector

import java.io.File
import java.nio.ByteBuffer
import kit.detector.engine.Engine
import kit.detector.engine.EngineChoice
import kit.detector.engine.EngineProvider
import kit.detector.engine.Tensor
import kit.detector.engine.TensorFlowLiteEngine
import kit.detector.model.ModelFile

/**
 * Measures pre- and postprocessing in Kotlin and prints median milliseconds per frame as one line of JSON.
 * android/bench.py runs it and compares it with Python.
 */
object Bench {
    // The JVM needs many runs to compile everything; on a phone the code is compiled in advance.
    private const val WARM_UP = 2000

    @JvmStatic
    fun main(arguments: Array<String>) {
        val (width, height, count) = arguments.drop(2).map(String::toInt)
        val bytes = File(arguments[1]).readBytes()
        val frames = listOf(rgb(bytes, width, height), camera(bytes, width, height))
        val model = ModelFile.open(arguments[0])
        val engine = CachingEngine(TensorFlowLiteEngine(model.buffer))
        val provider = EngineProvider { listOf(EngineChoice("CPU") { engine }) }
        Detector.loadBlocking(model, provider, DetectorOptions(scoreThreshold = 0.3)).use { detector ->
            // One kind at a time, as with a camera.
            val (rgb, yuv) = frames.map { frame ->
                engine.repeats = true
                repeat(WARM_UP) { detector.detectBlocking(frame) }
                engine.repeats = false
                List(count) { detector.detectBlocking(frame).timings }
            }
            val pre = median(rgb.map { it.preprocess })
            val post = median(rgb.map { it.postprocess })
            println("""{"preprocess": $pre, "postprocess": $post, "yuv": ${median(yuv.map { it.preprocess })}}""")
        }
    }

    /** Returns the last outputs again while it [repeats], so that warming up the code around the model takes little time. */
    private class CachingEngine(private val engine: Engine) : Engine by engine {
        var repeats = false
        private var last: List<Tensor>? = null

        override fun invoke(input: ByteBuffer): List<Tensor> =
            last?.takeIf { repeats } ?: engine.invoke(input).also { last = it }
    }

    /** The first bytes as a camera frame: in direct buffers, luma, then interleaved U and V. */
    private fun camera(bytes: ByteArray, width: Int, height: Int): Frame {
        fun part(start: Int, size: Int) = ByteBuffer.allocateDirect(size).put(bytes, start, size).apply { flip() }
        val luma = part(0, width * height)
        val chroma = part(width * height, width * height / 2)
        val vPlane = chroma.duplicate().apply { position(1) }
        return Frame(Pixels.Yuv420(Plane(luma, width, 1), Plane(chroma, width, 2), Plane(vPlane, width, 2)), width, height)
    }

    private fun median(values: List<Double>): Double = values.sorted()[values.size / 2]
}
