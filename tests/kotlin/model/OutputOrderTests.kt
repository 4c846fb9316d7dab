package kit.detector.model

import java.io.File
import kit.detector.Test
import kit.detector.TestData
import kit.detector.same

fun outputOrderTests(data: TestData) = listOf(
    Test("outputs are recognized by the graph, with built-in post-processing and with the custom operator") {
        val inOrder = OutputOrder(boxes = 0, classes = 1, scores = 2, count = 3)
        val files = listOf("int8", "fp16").flatMap { listOf(File(data.golden, "detector_$it.tflite"), File(data.cases, "small_$it.tflite")) }
        for (file in files) same(OutputOrder.fromGraph(ModelFile.open(file.path).model), inOrder, file.path)
        same(OutputOrder.fromGraph(ModelFile.open(File(data.golden, "detector_int8_raw.tflite").path).model), null)
    },
    Test("outputs are recognized by their values") {
        val shapes = listOf(listOf(1, 2), listOf(1, 2, 4), listOf(1), listOf(1, 2))
        val boxes = FloatArray(8)
        val one = OutputOrder.fromValues(listOf(floatArrayOf(0.9f, 0.5f), boxes, floatArrayOf(2f), floatArrayOf(3f, 0f)), shapes)
        same(one, OutputOrder(boxes = 1, classes = 3, scores = 0, count = 2))
        val ambiguous = listOf(floatArrayOf(0f, 0f), boxes, floatArrayOf(0f), floatArrayOf(0f, 0f))
        same(OutputOrder.fromValues(ambiguous, shapes), null)
        val none = listOf(floatArrayOf(0f, 0f), boxes, floatArrayOf(Float.NaN), floatArrayOf(0f, 0f))
        same(OutputOrder.fromValues(none, shapes), null)
        same(OutputOrder.fromValues(ambiguous, listOf(listOf(1), listOf(1), listOf(1), listOf(1))), null)
    },
)
