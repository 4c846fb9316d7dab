package kit.detector.engine

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError
import kit.detector.Test
import kit.detector.TestData
import kit.detector.check
import kit.detector.engine.EngineAttempt.Status
import kit.detector.fails
import kit.detector.model.ModelFile
import kit.detector.same

fun engineTests(data: TestData) = listOf(
    Test("engine fallback gives reasons and closes engines that fail") {
        val failing = FakeEngine("NPU") { throw DetectorError.EngineFailed("it fails when it runs") }
        val working = FakeEngine("CPU")
        val choices = listOf(missing("GPU"), failing.choice, working.choice)
        val fallback = EngineFallback(choices)
        same(fallback.name, "CPU")
        val expected = listOf(
            EngineAttempt("GPU", Status.FAILED, "there is none"), EngineAttempt("NPU", Status.FAILED, "it fails when it runs"),
            EngineAttempt("CPU", Status.IN_USE),
        )
        same(fallback.attempts, expected)
        same(failing.isClosed to working.isClosed, true to false)
        fallback.close()
        check(working.isClosed) { "the engine in use was not closed" }
        val error = fails<DetectorError.EngineFailed> { EngineFallback(choices.take(2)) }
        same(error.reason, "GPU: there is none; NPU: it fails when it runs")
        fails<DetectorError.EngineFailed> { EngineFallback(emptyList()) }
    },
    Test("the first frames are measured and the fastest engine is kept") {
        for ((gpuTime, winner) in listOf(5L to "GPU", 20L to "CPU")) {
            val clock = Clock()
            val engines = listOf(FakeEngine("GPU", clock, gpuTime), FakeEngine("CPU", clock, 10))
            val fallback = EngineFallback(engines.map { it.choice }, clock::now)
            val names = fallback.names(25)
            same(names, List(10) { "GPU" } + List(10) { "CPU" } + List(5) { winner }, "$gpuTime ms")
            same(fallback.attempts.map { it.milliseconds }, listOf(gpuTime.toDouble(), 10.0))
            val statuses = if (winner == "GPU") listOf(Status.IN_USE, Status.SLOWER) else listOf(Status.SLOWER, Status.IN_USE)
            same(fallback.attempts.map { it.status }, statuses)
            same(engines.map { it.isClosed }, engines.map { it.name != winner })
        }
    },
    Test("the first runs of an engine, which are slow, do not decide") {
        val clock = Clock()
        var run = 0
        val gpu = FakeEngine("GPU", clock, 5) { if (run++ < 3) clock.add(1000); emptyList() }
        val fallback = EngineFallback(listOf(gpu.choice, FakeEngine("CPU", clock, 10).choice), clock::now)
        same(fallback.names(21).last(), "GPU")
    },
    Test("an engine that fails later gives the same frame to the next one, and is tried again") {
        val clock = Clock()
        var isLost = false
        val gpu = FakeEngine("GPU", clock, 5) { if (isLost) throw DetectorError.EngineFailed("it was lost") else emptyList() }
        val fallback = EngineFallback(listOf(gpu.choice, FakeEngine("CPU", clock, 10).choice), clock::now)
        fallback.names(30)
        isLost = true
        same(fallback.names(3), List(3) { "CPU" })
        same(fallback.attempts.first(), EngineAttempt("GPU", Status.FAILED, "it was lost"))
        isLost = false
        val later = fallback.names(600)
        same(later.last(), "GPU")
        check(later.count { it == "CPU" } in 490..520) { later.count { it == "CPU" } }
    },
    Test("an engine that keeps failing is not tried for ever") {
        val clock = Clock()
        var loads = 0
        val gpu = EngineChoice("GPU") { loads += 1; throw DetectorError.EngineFailed("there is none") }
        val fallback = EngineFallback(listOf(gpu, FakeEngine("CPU", clock, 10).choice), clock::now)
        same(fallback.names(5000).toSet(), setOf("CPU"))
        same(loads, 1 + EngineFallback.RETRIES)
    },
    Test("where all engines fail the frame fails, and the next one starts again") {
        var isBroken = false
        val cpu = FakeEngine("CPU") { if (isBroken) throw DetectorError.EngineFailed("out of memory") else emptyList() }
        val fallback = EngineFallback(listOf(cpu.choice))
        fallback.names(30)
        isBroken = true
        repeat(3) { same(fails<DetectorError.EngineFailed> { fallback.names(1) }.reason, "CPU: out of memory") }
        isBroken = false
        same(fallback.names(2), listOf("CPU", "CPU"))
        same(fallback.attempts.single().status, Status.IN_USE)
    },
    Test("an engine that gets slow, as on a hot phone, is measured against the others again") {
        val clock = Clock()
        var gpuTime = 5L
        val gpu = FakeEngine("GPU", clock, 0) { clock.add(gpuTime); emptyList() }
        val fallback = EngineFallback(listOf(gpu.choice, FakeEngine("CPU", clock, 10).choice), clock::now)
        same(fallback.names(1500).last(), "GPU")
        gpuTime = 30
        same(fallback.names(300).last(), "CPU")
        // A little slower is not a reason.
        val other = EngineFallback(listOf(gpu.choice, FakeEngine("CPU", clock, 40).choice), clock::now)
        other.names(1500)
        gpuTime = 39
        same(other.names(1500).toSet(), setOf("GPU"))
    },
    Test("choices are limited by name") {
        val provider = EngineProvider { listOf(missing("GPU"), missing("CPU")) }
        val file = ModelFile.open(File(data.golden, "detector_int8.tflite").path)
        same(provider.only("CPU").choices(file).map { it.name }, listOf("CPU"))
    },
    Test("tensors of every type are dequantized") {
        val bytes = ByteBuffer.allocateDirect(2).put(0, -1).put(1, 127)
        same(Tensor(TensorPort("", listOf(2), TensorType.UINT8, 0.5f, 1), bytes).floats().toList(), listOf(127f, 63f))
        same(Tensor(TensorPort("", listOf(2), TensorType.INT8, 0.5f, 1), bytes).floats().toList(), listOf(-1f, 63f))
        val long = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putLong(0, 5)
        same(Tensor(TensorPort("", listOf(1), TensorType.INT64), long).floats().toList(), listOf(5f))
        fails<DetectorError.EngineFailed> { TensorPort("", listOf(-1, 3), TensorType.UINT8).byteSize }
        fails<DetectorError.EngineFailed> { TensorPort("", listOf(1 shl 20, 1 shl 20, 1 shl 20), TensorType.FLOAT32).byteSize }
    },
)

/** The names of the engines that process the next [frames]. */
private fun EngineFallback.names(frames: Int): List<String> = List(frames) {
    invoke(ByteBuffer.allocateDirect(12))
    name
}

private fun missing(name: String) = EngineChoice(name) { throw DetectorError.EngineFailed("there is none") }

private class Clock {
    private var nanoseconds = 0L

    fun now() = nanoseconds

    fun add(milliseconds: Long) {
        nanoseconds += milliseconds * 1_000_000
    }
}

private class FakeEngine(
    override val name: String,
    private val clock: Clock = Clock(),
    private val milliseconds: Long = 1,
    private val run: () -> List<Tensor> = { emptyList() },
) : Engine {
    var isClosed = false
    override val inputs = listOf(TensorPort("image", listOf(1, 2, 2, 3), TensorType.UINT8))
    override val outputs = emptyList<TensorPort>()
    val choice = EngineChoice(name) { apply { isClosed = false } }

    override fun invoke(input: ByteBuffer): List<Tensor> {
        same(input.remaining(), 12)
        check(!isClosed) { "$name ran after it was closed" }
        clock.add(milliseconds)
        return run()
    }

    override fun close() {
        isClosed = true
    }
}
