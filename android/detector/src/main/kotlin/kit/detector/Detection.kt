package kit.detector

/**
 * One detected object.
 *
 * [classId] is the index of [label] in the detector's [Labels], from 0. [score] is in 0..1. [box] is in pixels of
 * the upright image.
 */
data class Detection(val label: String, val classId: Int, val score: Double, val box: Box)

/** The time of each stage for one frame, in milliseconds. */
data class Timings(val preprocess: Double, val invoke: Double, val postprocess: Double) {
    val total: Double get() = preprocess + invoke + postprocess
}

/** The result for one frame: [detections] with the highest score first, and the time that each stage took. */
class DetectionResult(val detections: List<Detection>, val timings: Timings)
