package kit.detector

import java.io.File
import kotlin.system.exitProcess

/** A test by name; it fails by throwing. */
class Test(val name: String, val body: () -> Unit)

/** Where the tests find their files: the golden folder, and one with the cases that Python has made. */
class Places(val golden: File, val cases: File)

fun check(isTrue: Boolean, said: () -> Any) {
    if (!isTrue) throw AssertionError(said())
}

fun <Value> same(found: Value, wanted: Value, where: String = "") {
    check(found == wanted) { "$where: found $found, wanted $wanted" }
}

/** The error that [body] throws; fails where it throws none or another. */
inline fun <reified Kind : DetectorError> fails(body: () -> Any): Kind {
    val found = try {
        body()
    } catch (error: DetectorError) {
        return error as? Kind ?: throw AssertionError("wanted ${Kind::class.simpleName}, but: $error")
    }
    throw AssertionError("wanted ${Kind::class.simpleName}, but it gave $found")
}

/** Runs every test and says of each whether it passed, one a line. */
fun main(arguments: Array<String>) {
    val places = Places(File(arguments[0]), File(arguments[1]))
    val tests = goldenTests(places) + frameTests(places) + badFileTests(places) + valueTests()
    var failed = 0
    for (test in tests) {
        val start = System.nanoTime()
        val trouble = runCatching(test.body).exceptionOrNull()
        val took = (System.nanoTime() - start) / 1_000_000
        println(if (trouble == null) "passed ${test.name} ($took ms)" else "failed ${test.name}: $trouble")
        trouble?.printStackTrace()
        if (trouble != null) failed += 1
    }
    exitProcess(if (failed == 0) 0 else 1)
}
