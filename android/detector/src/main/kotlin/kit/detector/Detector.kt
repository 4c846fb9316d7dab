package kit.detector

import java.nio.ByteBuffer
import kit.detector.engine.Engine
import kit.detector.engine.SkippedAccelerator
import kit.detector.engine.TensorPort
import kit.detector.engine.warmUp
import kit.detector.model.ModelFile
import kit.detector.postprocessing.DisplayRule
import kit.detector.postprocessing.FourOutputs
import kit.detector.postprocessing.Postprocessor
import kit.detector.preprocessing.Preprocessor

/**
 * Detects objects with a .tflite detection model that has the usual four outputs, or the raw head of this kit.
 *
 *     val detector = Detector(file, engine)
 *     for (detection in detector.detect(frame).detections) {
 *         println("${detection.label} ${detection.score} ${detection.box}")
 *     }
 *
 * The detector owns [engine] and closes it. Loading is slow: do it off the main thread. A detector processes
 * one frame at a time; calls from other threads wait.
 *
 * [score] is the threshold in 0..1: detections with a lower score are dropped. The default is the threshold in
 * the file's metadata, or 0.5 if there is none. [skippedAccelerators] are those that were tried before [engine].
 *
 * A model may find one place as several classes, each with the very same box. By default only the class with the
 * highest score is given; with [allLabels], all are. With [agnosticIou], of two boxes whose intersection over union
 * (0..1) is above it, whatever their classes, only the one with the higher score is given. By default boxes of two
 * classes may overlap.
 *
 * The constructor throws a [DetectorError], and closes the engine, if the model is not a detector or the engine
 * cannot run it.
 */
class Detector(
    file: ModelFile,
    private val engine: Engine,
    @Volatile var score: Double = file.defaultScore,
    val skippedAccelerators: List<SkippedAccelerator> = emptyList(),
    allLabels: Boolean = false,
    agnosticIou: Double? = null,
) : AutoCloseable {
    val labels: Labels = file.labels

    /** The name of the engine that runs the model, such as `LiteRT, GPU`. */
    val engineName: String get() = engine.name

    private val preprocessor: Preprocessor
    private val postprocessor: Postprocessor
    private val displayRule = DisplayRule(allLabels, agnosticIou)
    private var isClosed = false

    init {
        try {
            val input = engine.inputs.singleOrNull()
                ?: throw DetectorError.NotADetector(file.path, "it has ${engine.inputs.size} inputs; a detector has one, an image")
            preprocessor = Preprocessor(file.model, file.metadata, input)
            postprocessor = postprocessor(file)
        } catch (error: Throwable) {
            engine.close()
            throw error
        }
    }

    /** The size in pixels that images are resized to. */
    val inputWidth: Int get() = preprocessor.width
    val inputHeight: Int get() = preprocessor.height

    /**
     * Detects the objects in [frame]. Boxes are in pixels of the upright image and clipped to it.
     *
     * Throws [DetectorError.EngineFailed] if the engine fails or the detector is closed.
     */
    @Synchronized
    fun detect(frame: Frame): DetectionResult {
        if (isClosed) throw DetectorError.EngineFailed("the detector is closed")
        val start = System.nanoTime()
        val input = preprocessor.tensor(frame)
        val ready = System.nanoTime()
        val raw = engine.invoke(input)
        val done = System.nanoTime()
        val found = postprocessor.found(raw, score.toFloat())
        val detections = displayRule.detections(found, labels, frame.uprightWidth, frame.uprightHeight)
        val end = System.nanoTime()
        return DetectionResult(detections, Timings((ready - start) / 1e6, (done - ready) / 1e6, (end - done) / 1e6))
    }

    /** Closes the engine, once the current frame is done. */
    @Synchronized
    override fun close() {
        if (!isClosed) engine.close()
        isClosed = true
    }

    /** The input tensor for [frame], for comparisons with other runtimes. The next call overwrites the same buffer. */
    @Synchronized
    fun preprocess(frame: Frame): ByteBuffer = preprocessor.tensor(frame)

    private fun postprocessor(file: ModelFile): Postprocessor {
        file.rawHead?.let { return Postprocessor.of(it) }
        if (!engine.outputs.all(TensorPort::isKnown)) engine.warmUp()
        return FourOutputs(file.model, file.metadata, engine.outputs.map(TensorPort::shape))
    }
}
