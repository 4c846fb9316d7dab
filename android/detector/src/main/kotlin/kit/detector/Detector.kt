package kit.detector

import java.nio.ByteBuffer
import kit.detector.engine.Engine
import kit.detector.engine.EngineAttempt
import kit.detector.engine.EngineFallback
import kit.detector.engine.EngineProvider
import kit.detector.engine.TensorPort
import kit.detector.engine.Worker
import kit.detector.engine.warmUp
import kit.detector.model.ModelFile
import kit.detector.postprocessing.DisplayRule
import kit.detector.postprocessing.FourOutputs
import kit.detector.postprocessing.Postprocessor
import kit.detector.preprocessing.Preprocessor
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.map

/**
 * Detects objects with a .tflite detection model that has the usual four outputs, or the raw head of this kit.
 *
 *     val detector = Detector.load(file, engines)
 *     for (detection in detector.detect(frame).detections) {
 *         println("${detection.label} ${detection.score} ${detection.box}")
 *     }
 *
 * The model is loaded, run and closed on a thread of the detector's own, as some GPU drivers require; frames are
 * processed one after the other. Close the detector when it is not needed any more.
 */
public class Detector private constructor(
    file: ModelFile,
    private val worker: Worker,
    private val engine: Engine,
    private val options: DetectorOptions,
) : AutoCloseable {
    /** The labels of the model. */
    public val labels: Labels = file.labels

    /** The score in 0..1 from which on detections are returned. May be changed between frames, from any thread. */
    @Volatile
    public var scoreThreshold: Double = options.scoreThreshold ?: file.defaultScore

    /** The name of the engine that runs the model, such as `LiteRT, GPU`. */
    public val engineName: String get() = engine.name

    /** The engines that were tried, their times, and why they are not used. Empty for a detector with one given engine. */
    public val engineAttempts: List<EngineAttempt> get() = (engine as? EngineFallback)?.attempts.orEmpty()

    private val preprocessor: Preprocessor
    private val postprocessor: Postprocessor
    private val displayRule: DisplayRule
    private var lastTimestamp = Double.NEGATIVE_INFINITY

    init {
        displayRule = DisplayRule(options, options.categories(labels))
        val input = engine.inputs.singleOrNull()
            ?: throw DetectorError.NotADetector(file.path, "it has ${engine.inputs.size} inputs; a detector has one, an image")
        preprocessor = Preprocessor(file.model, file.metadata, input)
        postprocessor = postprocessor(file)
    }

    /** The width in pixels that images are resized to. */
    public val inputWidth: Int get() = preprocessor.width

    /** The height in pixels that images are resized to. */
    public val inputHeight: Int get() = preprocessor.height

    /**
     * Detects the objects in [frame], whose buffers must stay as they are until this returns.
     *
     * Throws [DetectorError.EngineFailed] if no engine can run the model or the detector is closed, and
     * [DetectorError.BadFrame] in [RunningMode.VIDEO] for a frame that is not later than the last one.
     */
    public suspend fun detect(frame: Frame): DetectionResult = worker.run { process(frame) }

    /** [detect] for code without coroutines: waits for the result. Do not call it on the main thread. */
    public fun detectBlocking(frame: Frame): DetectionResult = worker.runBlocking { process(frame) }

    /** The results for [frames], in their order; ends with the first error. Collect it where frames stay valid meanwhile. */
    public fun detect(frames: Flow<Frame>): Flow<DetectionResult> = frames.map { detect(it) }

    /**
     * Detects the objects in a frame of a camera and returns at once; the result or the error goes to the listeners of the
     * options. Returns false if [frame] was dropped since another one is being processed.
     *
     * [release] is called once the buffers of [frame] are not needed any more, also where it is dropped. Throws
     * [DetectorError.BadOptions] unless the options say [RunningMode.LIVE_STREAM].
     */
    public fun detectAsync(frame: Frame, release: () -> Unit = {}): Boolean {
        val listener = options.resultListener
        if (options.runningMode != RunningMode.LIVE_STREAM || listener == null) {
            release()
            throw DetectorError.BadOptions("detectAsync needs runningMode LIVE_STREAM; it is ${options.runningMode}")
        }
        val isTaken = worker.offer {
            val result = try {
                process(frame)
            } catch (error: DetectorError) {
                options.errorListener?.invoke(error)
                null
            } finally {
                release()
            }
            result?.let(listener)
        }
        if (!isTaken) release()
        return isTaken
    }

    /** Closes the engine, once the current frame is done. */
    override fun close(): Unit = worker.close { engine.close() }

    /** The input tensor for [frame], for comparisons with other runtimes. The next frame overwrites the same buffer. */
    public fun preprocess(frame: Frame): ByteBuffer = worker.runBlocking { preprocessor.tensor(frame) }

    private fun process(frame: Frame): DetectionResult {
        if (options.runningMode == RunningMode.VIDEO) {
            if (!(frame.timestamp > lastTimestamp)) {
                throw DetectorError.BadFrame("its time of ${frame.timestamp} s is not after that of the frame before, $lastTimestamp s")
            }
            lastTimestamp = frame.timestamp
        }
        val start = System.nanoTime()
        val input = preprocessor.tensor(frame)
        val ready = System.nanoTime()
        val raw = engine.invoke(input)
        val done = System.nanoTime()
        val found = postprocessor.decode(raw, scoreThreshold.toFloat())
        val detections = displayRule.detections(found, labels, frame.uprightWidth, frame.uprightHeight)
        val end = System.nanoTime()
        val timings = Timings((ready - start) / 1e6, (done - ready) / 1e6, (end - done) / 1e6)
        return DetectionResult(detections, frame.timestamp, timings, ImageSize(frame.uprightWidth, frame.uprightHeight))
    }

    private fun postprocessor(file: ModelFile): Postprocessor {
        file.rawHead?.let { return Postprocessor.of(it) }
        if (!engine.outputs.all(TensorPort::isKnown)) engine.warmUp()
        return FourOutputs(file.model, file.metadata, engine.outputs.map(TensorPort::shape))
    }

    public companion object {
        /**
         * Loads the detector in [file] on the best of the engines that [provider] offers for it; see [EngineFallback].
         *
         * Throws a [DetectorError] if the file is not a detector, an option is wrong, or no engine can run the file.
         */
        public suspend fun load(file: ModelFile, provider: EngineProvider, options: DetectorOptions = DetectorOptions()): Detector =
            Worker().let { worker -> worker.orClosed { worker.run { open(file, worker, options) { fallback(file, provider) } } } }

        /** [load] for code without coroutines: waits until the model is loaded. Do not call it on the main thread. */
        public fun loadBlocking(file: ModelFile, provider: EngineProvider, options: DetectorOptions = DetectorOptions()): Detector =
            Worker().let { worker -> worker.orClosed { worker.runBlocking { open(file, worker, options) { fallback(file, provider) } } } }

        private fun fallback(file: ModelFile, provider: EngineProvider) = EngineFallback(provider.choices(file))

        private fun open(file: ModelFile, worker: Worker, options: DetectorOptions, load: () -> Engine): Detector {
            val engine = load()
            try {
                return Detector(file, worker, engine, options)
            } catch (error: Throwable) {
                engine.close()
                throw error
            }
        }
    }
}
