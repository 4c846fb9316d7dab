package kit.detector.postprocessing

import kit.detector.Detection
import kit.detector.engine.Tensor

/** Converts the output tensors of a model to detections. */
internal fun interface Postprocessor {
    /**
     * The detections in an upright image of [width] x [height] pixels, with scores from [minScore] on and the highest
     * score first.
     */
    fun detections(raw: List<Tensor>, width: Int, height: Int, minScore: Double): List<Detection>
}
