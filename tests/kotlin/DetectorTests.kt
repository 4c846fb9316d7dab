package kit.detector

import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kit.detector.engine.Engine
import kit.detector.engine.EngineChoice
import kit.detector.engine.EngineProvider
import kit.detector.engine.Tensor
import kit.detector.engine.TensorFlowLiteEngine
import kit.detector.engine.inputPorts
import kit.detector.engine.outputPorts
import kit.detector.model.ModelFile
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking

fun detectorTests(data: TestData): List<Test> {
    fun file(name: String = "detector_int8.tflite") = ModelFile.open(File(data.golden, name).path)
    fun image() = ppm(data.golden.listFiles().orEmpty().filter { it.name.endsWith(".ppm") }.minOf { it })
    return listOf(
        Test("suspending, blocking and flows of frames give the same result, with the time and size of the frame") {
            val given = image()
            val frame = Frame(given.pixels, given.width, given.height, timestamp = 2.5)
            runBlocking {
                val detector = Detector.load(file(), tensorFlowLite, DetectorOptions(scoreThreshold = 0.1))
                detector.use {
                    val result = it.detect(frame)
                    check(result.detections.isNotEmpty()) { "nothing was detected" }
                    same(it.detectBlocking(frame).detections, result.detections)
                    same(it.detect(listOf(frame, frame).asFlow()).toList().map(DetectionResult::detections), List(2) { result.detections })
                    same(result.timestamp to result.imageSize, 2.5 to ImageSize(frame.width, frame.height))
                    same(result.inferenceTime, result.timings.invoke)
                }
            }
        },
        Test("a model is loaded, run and closed on one thread, whoever calls") {
            val threads = mutableListOf<String>()
            val provider = EngineProvider { file -> listOf(EngineChoice("CPU") { Recording(TensorFlowLiteEngine(file.buffer), threads) }) }
            val closed = CountDownLatch(1)
            val detector = Detector.loadBlocking(file(), EngineProvider { provider.choices(it).map { choice -> EngineChoice("CPU") { Closing(choice.load(), closed) } } })
            detector.detectBlocking(image())
            detector.close()
            check(closed.await(10, TimeUnit.SECONDS)) { "the engine was not closed" }
            same(threads.toSet(), setOf("detector"))
            same(fails<DetectorError.EngineFailed> { detector.detectBlocking(image()) }.reason, "the detector is closed")
            fails<DetectorError.EngineFailed> { runBlocking { detector.detect(image()) } }
            detector.close()
        },
        Test("in live mode results go to the listener, frames that come meanwhile are dropped, and all are released") {
            val results = mutableListOf<DetectionResult>()
            val done = CountDownLatch(1)
            val proceed = CountDownLatch(1)
            val options = DetectorOptions(
                runningMode = RunningMode.LIVE_STREAM,
                resultListener = {
                    results += it
                    done.countDown()
                },
            )
            var released = 0
            Detector.loadBlocking(file(), waiting(proceed), options).use { detector ->
                check(detector.detectAsync(image()) { released += 1 }) { "the first frame was dropped" }
                check(!detector.detectAsync(image()) { released += 1 }) { "the second frame was taken" }
                same(released, 1)
                proceed.countDown()
                check(done.await(10, TimeUnit.SECONDS)) { "no result came" }
                same(results.size to released, 1 to 2)
            }
        },
        Test("in live mode errors go to the error listener, and the next frame is detected") {
            val events = java.util.Collections.synchronizedList(mutableListOf<String>())
            var isBroken = false
            val options = DetectorOptions(
                runningMode = RunningMode.LIVE_STREAM, resultListener = { events += "result" },
                errorListener = { events += "${it.message}" },
            )
            val provider = EngineProvider { file ->
                val engine = TensorFlowLiteEngine(file.buffer)
                listOf(EngineChoice("CPU") { Failing(engine) { isBroken } })
            }
            Detector.loadBlocking(file(), provider, options).use { detector ->
                for (broken in listOf(true, false)) {
                    isBroken = broken
                    check(detector.detectAsync(image())) { "a frame was dropped" }
                    // Waits for the frame: calls are processed one after the other.
                    detector.preprocess(image())
                }
            }
            same(events.toList(), listOf("the engine failed: CPU: it broke", "result"))
        },
        Test("a video's frames must follow each other, and detectAsync needs live mode") {
            val given = image()
            fun at(time: Double) = Frame(given.pixels, given.width, given.height, timestamp = time)
            Detector.loadBlocking(file(), tensorFlowLite, DetectorOptions(runningMode = RunningMode.VIDEO)).use { detector ->
                for (time in listOf(0.0, 0.5)) detector.detectBlocking(at(time))
                for (time in listOf(0.5, 0.25, Double.NaN)) fails<DetectorError.BadFrame> { detector.detectBlocking(at(time)) }
                var isReleased = false
                fails<DetectorError.BadOptions> { detector.detectAsync(at(1.0)) { isReleased = true } }
                check(isReleased) { "the frame was not released" }
            }
        },
        Test("options out of range are refused") {
            val bad = listOf<() -> DetectorOptions>(
                { DetectorOptions(maxResults = 0) }, { DetectorOptions(scoreThreshold = 1.5) },
                { DetectorOptions(scoreThreshold = Double.NaN) }, { DetectorOptions(agnosticIou = -0.1) },
                { DetectorOptions(categoryAllowlist = setOf("a"), categoryDenylist = setOf("b")) },
                { DetectorOptions(runningMode = RunningMode.LIVE_STREAM) },
            )
            for (options in bad) fails<DetectorError.BadOptions> { options() }
            fails<DetectorError.BadOptions> { open(file(), DetectorOptions(categoryDenylist = setOf("no such class"))) }
        },
        Test("the file describes inputs and outputs as the engine does") {
            for (name in listOf("detector_int8.tflite", "detector_int8_raw.tflite", "detector_fp16.tflite")) {
                val file = file(name)
                TensorFlowLiteEngine(file.buffer).use { engine ->
                    same(file.inputPorts, engine.inputs, name)
                    same(file.outputPorts, engine.outputs, name)
                }
            }
            same(file().fingerprint, file().fingerprint)
            check(file().fingerprint != file("detector_fp16.tflite").fingerprint) { "two files have one fingerprint" }
        },
    )
}

/** TensorFlow Lite, which runs no frame before [proceed]. */
private fun waiting(proceed: CountDownLatch) = EngineProvider { file ->
    val engine = TensorFlowLiteEngine(file.buffer)
    var runs = 0
    // The first run warms up.
    listOf(EngineChoice("CPU") { Failing(engine) { if (runs++ > 0) proceed.await(10, TimeUnit.SECONDS); false } })
}

private class Failing(private val engine: Engine, private val isBroken: () -> Boolean) : Engine by engine {
    override fun invoke(input: ByteBuffer): List<Tensor> {
        if (isBroken()) throw DetectorError.EngineFailed("it broke")
        return engine.invoke(input)
    }

    // Loaded again after a failure.
    override fun close() = Unit
}

private class Recording(private val engine: Engine, private val threads: MutableList<String>) : Engine by engine {
    init {
        threads += Thread.currentThread().name
    }

    override fun invoke(input: ByteBuffer): List<Tensor> {
        threads += Thread.currentThread().name
        return engine.invoke(input)
    }

    override fun close() {
        threads += Thread.currentThread().name
        engine.close()
    }
}

private class Closing(private val engine: Engine, private val closed: CountDownLatch) : Engine by engine {
    override fun close() {
        engine.close()
        closed.countDown()
    }
}
