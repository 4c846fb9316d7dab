package kit.detector

import java.io.File
import java.nio.ByteBuffer
import java.util.Random

fun badFileTests(places: Places): List<Test> {
    val whole = File(places.golden, "detector_int8.tflite").readBytes()
    return listOf(
        Test("what is no file is refused") {
            fails<DetectorError.Unreadable> { ModelFile.open(File(places.cases, "nowhere.tflite").path) }
            fails<DetectorError.Unreadable> { ModelFile.open(places.cases.path) }
        },
        Test("what is no tflite is refused") {
            for (bytes in listOf(ByteArray(0), ByteArray(7), "<html>not found</html>".toByteArray(), ByteArray(4096))) {
                fails<DetectorError.NotTFLite> { parsed(bytes) }
            }
        },
        Test("files cut short are refused") {
            for (part in 1..40) {
                val cut = whole.copyOf((whole.size.toLong() * part / 41).toInt())
                val error = fails<DetectorError> { parsed(cut) }
                val isTyped = error is DetectorError.Damaged || error is DetectorError.NoLabels
                check(isTyped) { "cut to $part/41: $error" }
            }
        },
        Test("real classifiers are refused") {
            val files = File(places.cases, "no_detectors").listFiles().orEmpty().filter { it.name.endsWith(".tflite") }
            check(files.isNotEmpty()) { "no classifiers" }
            for (file in files) {
                fails<DetectorError.NotADetector> { ModelFile.open(file.path, Labels(listOf("a"))) }
            }
        },
        Test("a file without metadata wants labels") {
            val file = File(places.cases, "without_metadata.tflite")
            val error = fails<DetectorError.NoLabels> { ModelFile.open(file.path) }
            check("give labels" in error.message.orEmpty()) { error }
            val given = ModelFile.open(file.path, Labels(listOf("one", "two")))
            Detector(given, TensorFlowLiteEngine(given.buffer), 0.3).use { detector ->
                val found = detector.detect(ppm(File(places.golden, "odd.ppm"))).detections
                check(found.isNotEmpty() && found.all { it.label in listOf("one", "two", "class 2", "class 3") }) { found }
            }
        },
        Test("a detector that is closed says so") {
            val detector = open(File(places.golden, "detector_int8.tflite"), 0.3)
            detector.close()
            detector.close()
            fails<DetectorError.EngineFailed> { detector.detect(ppm(File(places.golden, "odd.ppm"))) }
        },
        Test("five hundred mutated files do not crash") { mutations(whole, places) },
    )
}

private fun parsed(bytes: ByteArray) = ModelFile(ByteBuffer.wrap(bytes), "bytes")

/** Flips bytes where the structure lies: from both ends, and anywhere. Either it reads, or it fails as it should. */
private fun mutations(whole: ByteArray, places: Places) {
    val raw = File(places.golden, "detector_int8_raw.tflite").readBytes()
    var refused = 0
    for (seed in 0 until 500) {
        val random = Random(seed.toLong())
        val bytes = (if (seed % 2 == 0) whole else raw).copyOf()
        repeat(1 + random.nextInt(12)) {
            val place = when (random.nextInt(4)) {
                0 -> random.nextInt(minOf(2048, bytes.size))
                1 -> random.nextInt(bytes.size)
                else -> bytes.size - 1 - random.nextInt(minOf(60_000, bytes.size))
            }
            bytes[place] = if (random.nextBoolean()) random.nextInt(256).toByte() else (0xFF * random.nextInt(2)).toByte()
        }
        try {
            parsed(bytes)
        } catch (error: DetectorError) {
            check(error.message.orEmpty().startsWith("bytes") || "in bytes" in error.message.orEmpty()) { error }
            refused += 1
        }
    }
    check(refused in 50..499) { "$refused of 500 refused" }
}
