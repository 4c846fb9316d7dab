package kit.detector.engine

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError
import kit.detector.Test
import kit.detector.check
import kit.detector.fails
import kit.detector.same

fun engineTests() = listOf(
    Test("delegate fallback gives reasons and closes skipped engines") {
        val failing = FakeEngine { throw DetectorError.EngineFailed("it fails when it runs") }
        val working = FakeEngine { emptyList() }
        val choices = listOf(
            DelegateChoice("GPU") { throw DetectorError.EngineFailed("there is none") },
            DelegateChoice("NPU") { failing },
            DelegateChoice("CPU") { working },
        )
        val fallback = DelegateFallback.select(choices)
        check(fallback.engine === working) { fallback.engine }
        val skipped = listOf(SkippedAccelerator("GPU", "there is none"), SkippedAccelerator("NPU", "it fails when it runs"))
        same(fallback.skippedAccelerators, skipped)
        same(failing.isClosed to working.isClosed, true to false)
        val error = fails<DetectorError.EngineFailed> { DelegateFallback.select(choices.take(2)) }
        same(error.reason, "GPU: there is none; NPU: it fails when it runs")
        fails<DetectorError.EngineFailed> { DelegateFallback.select(emptyList()) }
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

private class FakeEngine(private val run: () -> List<Tensor>) : Engine {
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
