package kit.detector

import java.io.File
import kit.app.logic.appTests
import kit.detector.engine.engineTests
import kit.detector.model.badFileTests
import kit.detector.model.outputOrderTests
import kit.detector.postprocessing.displayRuleTests
import kit.detector.postprocessing.rawDecoderTests
import kit.detector.preprocessing.frameTests
import kit.detector.tracking.trackingTests
import kotlin.system.exitProcess

/** A test by name; it fails by throwing. */
class Test(val name: String, val body: () -> Unit)

/** The folders of test data: the golden files, and the cases that Python generated. */
class TestData(val golden: File, val cases: File)

fun check(isTrue: Boolean, message: () -> Any) {
    if (!isTrue) throw AssertionError(message())
}

/** Fails unless [actual] equals [expected]. */
fun <Value> same(actual: Value, expected: Value, where: String = "") {
    check(actual == expected) { "$where: got $actual, expected $expected" }
}

/** The error that [body] throws; fails if it throws none or one of another kind. */
inline fun <reified Kind : DetectorError> fails(body: () -> Any): Kind {
    val result = try {
        body()
    } catch (error: DetectorError) {
        return error as? Kind ?: throw AssertionError("expected ${Kind::class.simpleName}, but got: $error")
    }
    throw AssertionError("expected ${Kind::class.simpleName}, but it returned $result")
}

/** Runs all tests and prints one line with the outcome of each. */
fun main(arguments: Array<String>) {
    val data = TestData(File(arguments[0]), File(arguments[1]))
    val tests = goldenTests(data) + frameTests(data) + badFileTests(data) + outputOrderTests(data) + engineTests(data) +
        rawDecoderTests(data) + displayRuleTests() + valueTests() + detectorTests(data) + trackingTests() + appTests()
    var failed = 0
    for (test in tests) {
        val start = System.nanoTime()
        val error = runCatching(test.body).exceptionOrNull()
        val milliseconds = (System.nanoTime() - start) / 1_000_000
        println(if (error == null) "passed ${test.name} ($milliseconds ms)" else "failed ${test.name}: $error")
        error?.printStackTrace()
        if (error != null) failed += 1
    }
    exitProcess(if (failed == 0) 0 else 1)
}
