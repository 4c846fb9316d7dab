package kit.detector

/**
 * One object that the detector found.
 *
 * [classId] counts from 0 at the first label; [score] lies in 0..1; [box] is in pixels of the upright picture.
 */
data class Detection(val label: String, val classId: Int, val score: Double, val box: Box)

/** Milliseconds that each stage of one frame took. */
data class Timings(val preprocess: Double, val invoke: Double, val postprocess: Double) {
    val total: Double get() = preprocess + invoke + postprocess
}
