package kit.detector

/**
 * One detected object.
 *
 * @property label the name of the class.
 * @property classId the index of [label] in the detector's [Labels], from 0.
 * @property score the score in 0..1.
 * @property box the box in pixels of the upright image, clipped to it.
 * @property track the number that the object keeps from frame to frame, from 1; null unless a
 *   [kit.detector.tracking.ObjectTracker] gave it one.
 */
public data class Detection(val label: String, val classId: Int, val score: Double, val box: Box, val track: Int? = null)

/** The width and height of an image in pixels. */
public data class ImageSize(val width: Int, val height: Int)

/**
 * The time of each stage for one frame, in milliseconds.
 *
 * @property preprocess making the model's input of the frame.
 * @property invoke running the model.
 * @property postprocess making detections of the model's outputs.
 */
public data class Timings(val preprocess: Double, val invoke: Double, val postprocess: Double) {
    /** The sum of the stages. */
    val total: Double get() = preprocess + invoke + postprocess
}

/**
 * The result for one frame.
 *
 * @property detections the objects, the one with the highest score first.
 * @property timestamp the time of the frame in seconds, as the frame gave it.
 * @property timings the time that each stage took.
 * @property imageSize the size of the upright image that the boxes refer to.
 */
public data class DetectionResult(
    val detections: List<Detection>,
    val timestamp: Double,
    val timings: Timings,
    val imageSize: ImageSize,
) {
    /** The time that the model took, in milliseconds. */
    val inferenceTime: Double get() = timings.invoke
}
