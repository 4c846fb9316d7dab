package kit.detector.postprocessing

import kit.detector.DetectorError
import kit.detector.DetectorOptions
import kit.detector.Labels
import kit.detector.Test
import kit.detector.fails
import kit.detector.same

fun displayRuleTests() = listOf(
    Test("of the very same boxes, the class with the highest score is given unless all are wanted") {
        val found = listOf(found(0, 0.5f), found(1, 0.75f), found(2, 0.5f, ymin = 0.25f))
        same(given(found), listOf(1, 2))
        same(given(found, allLabels = true), listOf(1, 0, 2))
    },
    Test("with an IoU for all classes, of boxes that overlap more only the one with the higher score is given") {
        // The boxes share three quarters of their union.
        val found = listOf(found(0, 0.5f), found(1, 0.75f, ymin = 0.25f))
        same(given(found), listOf(1, 0))
        same(given(found, agnosticIou = 0.75), listOf(1, 0))
        same(given(found, agnosticIou = 0.7), listOf(1))
        same(given(found, allLabels = true, agnosticIou = 0.7), listOf(1))
    },
    Test("boxes that are not numbers are dropped, and a negative zero is a zero") {
        val found = listOf(found(0, 0.9f, ymin = Float.NaN), found(1, 0.8f, ymin = -0f), found(2, 0.7f, ymin = 0f))
        same(given(found), listOf(1))
    },
    Test("only allowed classes are returned, denied ones are not and hide no others, and only the best results are") {
        val found = listOf(found(0, 0.5f), found(1, 0.75f), found(2, 0.25f, ymin = 0.25f))
        same(given(found, DetectorOptions(categoryDenylist = setOf("b"))), listOf(0, 2))
        same(given(found, DetectorOptions(categoryAllowlist = setOf("a", "c"))), listOf(0, 2))
        same(given(found, DetectorOptions(maxResults = 1)), listOf(1))
        same(given(found, DetectorOptions(maxResults = 1, categoryDenylist = setOf("b"))), listOf(0))
        val error = fails<DetectorError.BadOptions> { given(found, DetectorOptions(categoryAllowlist = setOf("dog"))) }
        same(error.reason, "the model has no class 'dog'; it has a, b, c")
    },
)

private fun found(classId: Int, score: Float, ymin: Float = 0f) = RawDetection(classId, score, Sides(ymin, 0f, 1f, 1f))

private fun given(found: List<RawDetection>, allLabels: Boolean = false, agnosticIou: Double? = null): List<Int> =
    given(found, DetectorOptions(allLabels = allLabels, agnosticIou = agnosticIou))

private fun given(found: List<RawDetection>, options: DetectorOptions): List<Int> {
    val labels = Labels(listOf("a", "b", "c"))
    return DisplayRule(options, options.categories(labels)).detections(found, labels, 100, 100).map { it.classId }
}
