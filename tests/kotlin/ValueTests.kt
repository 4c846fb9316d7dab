package kit.detector

import java.nio.ByteBuffer
import java.nio.ByteOrder

fun valueTests() = listOf(
    Test("label files of the usual kinds") {
        same(Labels.parse("cat\ndog\n\n").names, listOf("cat", "dog"))
        same(Labels.parse("\uFEFFcat\r\ndog").names, listOf("cat", "dog"))
        same(Labels.parse("???\ncat").names, listOf("cat"))
        same(Labels.parse("0  person\n2: car").names, listOf("person", "class 1", "car"))
        same(Labels.parse("1 euro\n2 euro").names, listOf("1 euro", "2 euro"))
        same(Labels.parse("0 a\n99999999999 b").names, listOf("0 a", "99999999999 b"))
        same(Labels.parse("a")[7], "class 7")
        fails<DetectorError.BadLabels> { Labels.parse(" \n\n") }
    },
    Test("the ladder steps down with reasons, and closes what it leaves") {
        val broken = Fake { throw DetectorError.EngineFailed("it breaks when it runs") }
        val sound = Fake { emptyList() }
        val rungs = listOf(
            Rung("GPU") { throw DetectorError.EngineFailed("there is none") }, Rung("NPU") { broken }, Rung("CPU") { sound },
        )
        val ladder = Ladder.climb(rungs)
        check(ladder.engine === sound) { ladder.engine }
        same(ladder.stepsDown, listOf(StepDown("GPU", "there is none"), StepDown("NPU", "it breaks when it runs")))
        same(broken.isClosed to sound.isClosed, true to false)
        val error = fails<DetectorError.EngineFailed> { Ladder.climb(rungs.take(2)) }
        same(error.reason, "GPU: there is none; NPU: it breaks when it runs")
        fails<DetectorError.EngineFailed> { Ladder.climb(emptyList()) }
    },
    Test("outputs are told apart by their values") {
        val shapes = listOf(listOf(1, 2), listOf(1, 2, 4), listOf(1), listOf(1, 2))
        val boxes = FloatArray(8)
        val one = OutputOrder.fromValues(listOf(floatArrayOf(0.9f, 0.5f), boxes, floatArrayOf(2f), floatArrayOf(3f, 0f)), shapes)
        same(one, OutputOrder(boxes = 1, classes = 3, scores = 0, count = 2))
        val unclear = listOf(floatArrayOf(0f, 0f), boxes, floatArrayOf(0f), floatArrayOf(0f, 0f))
        same(OutputOrder.fromValues(unclear, shapes), null)
        val none = listOf(floatArrayOf(0f, 0f), boxes, floatArrayOf(Float.NaN), floatArrayOf(0f, 0f))
        same(OutputOrder.fromValues(none, shapes), null)
        same(OutputOrder.fromValues(unclear, listOf(listOf(1), listOf(1), listOf(1), listOf(1))), null)
    },
    Test("numbers of every type become real ones") {
        val bytes = ByteBuffer.allocateDirect(2).put(0, -1).put(1, 127)
        same(Tensor(TensorPort("", listOf(2), TensorType.UINT8, 0.5f, 1), bytes).floats().toList(), listOf(127f, 63f))
        same(Tensor(TensorPort("", listOf(2), TensorType.INT8, 0.5f, 1), bytes).floats().toList(), listOf(-1f, 63f))
        val long = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putLong(0, 5)
        same(Tensor(TensorPort("", listOf(1), TensorType.INT64), long).floats().toList(), listOf(5f))
        fails<DetectorError.EngineFailed> { TensorPort("", listOf(-1, 3), TensorType.UINT8).byteSize }
        fails<DetectorError.EngineFailed> { TensorPort("", listOf(1 shl 20, 1 shl 20, 1 shl 20), TensorType.FLOAT32).byteSize }
    },
    Test("a box is placed in the view, and mirrored") {
        val box = Box(10.0, 20.0, 30.0, 40.0)
        same(Viewport(100, 100, 200.0, 100.0).place(box), Box(20.0, -10.0, 60.0, 30.0))
        same(Viewport(100, 100, 100.0, 100.0, isMirrored = true).place(box), Box(70.0, 20.0, 90.0, 40.0))
        same(Box(5.0, 5.0, 1.0, 9.0).area, 0.0)
        check((0..90).all { classHue(it) in 0.0..1.0 }) { "a hue lies outside" }
    },
)

private class Fake(private val run: () -> List<Tensor>) : Engine {
    var isClosed = false
    override val name = "fake"
    override val inputs = listOf(TensorPort("image", listOf(1, 2, 2, 3), TensorType.UINT8))
    override val outputs = emptyList<TensorPort>()

    override fun invoke(input: ByteBuffer): List<Tensor> {
        same(input.remaining(), 12)
        return run()
    }

    override fun close() {
        isClosed = true
    }
}
