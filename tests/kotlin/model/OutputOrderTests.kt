package kit.detector.model

import kit.detector.Test
import kit.detector.same

fun outputOrderTests() = listOf(
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
