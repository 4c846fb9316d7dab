package kit.detector

import java.io.File

/**
 * What Kotlin takes for a frame before and after the model, as one line of JSON in milliseconds.
 * Called by android/bench.py, which has Python do the same.
 */
object Bench {
    // The JVM compiles what runs often; a phone has done so long before.
    private const val WARM_UP = 40

    @JvmStatic
    fun main(arguments: Array<String>) {
        val (width, height, count) = arguments.drop(2).map(String::toInt)
        val frame = rgb(File(arguments[1]).readBytes(), width, height)
        open(File(arguments[0]), 0.3).use { detector ->
            val timings = List(WARM_UP + count) { detector.detect(frame).timings }.drop(WARM_UP)
            println("""{"preprocess": ${median(timings.map { it.preprocess })}, "postprocess": ${median(timings.map { it.postprocess })}}""")
        }
    }

    private fun median(values: List<Double>): Double = values.sorted()[values.size / 2]
}
