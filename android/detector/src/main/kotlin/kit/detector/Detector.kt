package kit.detector

/**
 * Finds objects with any detection .tflite that has four outputs, or the raw head of this kit.
 *
 *     val detector = Detector(file, engine)
 *     for (detection in detector.detect(frame).detections) {
 *         println("${detection.label} ${detection.score} ${detection.box}")
 *     }
 *
 * Owns [engine], and closes it. Loading takes its time; do it away from the main thread. One detector
 * runs one frame at a time; calls from other threads wait.
 *
 * [score]: detections with a lower one are left out; by default what the file's metadata says, else 0.5.
 * Throws a [DetectorError] where the model is no detector or the engine cannot run it, the engine then closed.
 */
class Detector(
    file: ModelFile,
    private val engine: Engine,
    @Volatile var score: Double = file.defaultScore,
    val stepsDown: List<StepDown> = emptyList(),
) : AutoCloseable {
    /** What was found in a frame, the highest score first, and how long that took. */
    class Found(val detections: List<Detection>, val timings: Timings)

    val labels: Labels = file.labels

    /** What runs the model, as in `LiteRT, GPU`; [stepsDown] are those tried before, each with the reason against it. */
    val engineName: String get() = engine.name

    private val preprocessor: Preprocessor
    private val postprocessor: Postprocessor
    private var isClosed = false

    init {
        try {
            val input = engine.inputs.singleOrNull()
                ?: throw DetectorError.NotADetector(file.path, "it has ${engine.inputs.size} inputs; a detector has one, a picture")
            preprocessor = Preprocessor(file.model, file.metadata, input)
            postprocessor = postprocessor(file)
        } catch (error: Throwable) {
            engine.close()
            throw error
        }
    }

    /** What pictures are resized to. */
    val inputWidth: Int get() = preprocessor.width
    val inputHeight: Int get() = preprocessor.height

    /**
     * The objects in [frame], in pixels of the upright picture and within it.
     *
     * Throws [DetectorError.EngineFailed] where the run fails or the detector is closed.
     */
    @Synchronized
    fun detect(frame: Frame): Found {
        if (isClosed) throw DetectorError.EngineFailed("the detector is closed")
        val start = System.nanoTime()
        val input = preprocessor.tensor(frame)
        val ready = System.nanoTime()
        val raw = engine.invoke(input)
        val done = System.nanoTime()
        val found = postprocessor.detections(raw, frame.uprightWidth, frame.uprightHeight, score)
        val end = System.nanoTime()
        return Found(found, Timings((ready - start) / 1e6, (done - ready) / 1e6, (end - done) / 1e6))
    }

    /** Frees the engine, after the frame that is being looked at. */
    @Synchronized
    override fun close() {
        if (!isClosed) engine.close()
        isClosed = true
    }

    /** The input tensor for [frame]; the next call fills the same buffer. For comparing with other runtimes. */
    @Synchronized
    fun preprocess(frame: Frame): java.nio.ByteBuffer = preprocessor.tensor(frame)

    private fun postprocessor(file: ModelFile): Postprocessor {
        file.rawHead?.let { return RawDecoder(it, labels) }
        if (!engine.outputs.all(TensorPort::isKnown)) engine.tryOut()
        return FourOutputs(file.model, file.metadata, engine.outputs.map(TensorPort::shape), labels)
    }
}
