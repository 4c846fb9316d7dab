package kit.detector.model

import java.io.File
import java.nio.ByteBuffer
import java.util.Random
import kit.detector.DetectorError
import kit.detector.DetectorOptions
import kit.detector.Labels
import kit.detector.TestData
import kit.detector.Test
import kit.detector.check
import kit.detector.fails
import kit.detector.open
import kit.detector.ppm

fun badFileTests(data: TestData): List<Test> {
    val model = File(data.golden, "detector_int8.tflite").readBytes()
    return listOf(
        Test("a missing file is rejected") {
            fails<DetectorError.Unreadable> { ModelFile.open(File(data.cases, "missing.tflite").path) }
            fails<DetectorError.Unreadable> { ModelFile.open(data.cases.path) }
        },
        Test("other file types are rejected") {
            for (bytes in listOf(ByteArray(0), ByteArray(7), "<html>not found</html>".toByteArray(), ByteArray(4096))) {
                fails<DetectorError.NotTFLite> { parsed(bytes) }
            }
        },
        Test("truncated files are rejected") {
            for (part in 1..40) {
                val truncated = model.copyOf((model.size.toLong() * part / 41).toInt())
                val error = fails<DetectorError> { parsed(truncated) }
                val isTyped = error is DetectorError.Damaged || error is DetectorError.NoLabels
                check(isTyped) { "truncated to $part/41: $error" }
            }
        },
        Test("classifiers are rejected") {
            val files = File(data.cases, "classifiers").listFiles().orEmpty().filter { it.name.endsWith(".tflite") }
            check(files.isNotEmpty()) { "no classifiers" }
            for (file in files) {
                fails<DetectorError.NotADetector> { ModelFile.open(file.path, Labels(listOf("a"))) }
            }
        },
        Test("a file that needs TensorFlow is rejected") {
            // The detector whose post-processing is a custom operator; its name comes after the tensors' names.
            val bytes = File(data.cases, "small_int8.tflite").readBytes()
            val at = String(bytes, Charsets.ISO_8859_1).lastIndexOf("TFLite_Detection_PostProcess")
            "FlexDetection_PostProcessing".toByteArray().copyInto(bytes, at)
            val error = fails<DetectorError.Unsupported> { parsed(bytes) }
            check("FlexDetection" in error.message.orEmpty()) { error }
        },
        Test("a file without metadata needs labels") {
            val file = File(data.cases, "without_metadata.tflite")
            val error = fails<DetectorError.NoLabels> { ModelFile.open(file.path) }
            check("give labels" in error.message.orEmpty()) { error }
            val given = ModelFile.open(file.path, Labels(listOf("one", "two")))
            open(given, DetectorOptions(scoreThreshold = 0.3)).use { detector ->
                val detections = detector.detectBlocking(ppm(File(data.golden, "odd.ppm"))).detections
                check(detections.isNotEmpty() && detections.all { it.label in listOf("one", "two", "class 2", "class 3") }) { detections }
            }
        },
        Test("a closed detector throws") {
            val detector = open(File(data.golden, "detector_int8.tflite"), 0.3)
            detector.close()
            detector.close()
            fails<DetectorError.EngineFailed> { detector.detectBlocking(ppm(File(data.golden, "odd.ppm"))) }
        },
        Test("five hundred mutated files do not crash") { mutations(model, data) },
    )
}

private fun parsed(bytes: ByteArray) = ModelFile(ByteBuffer.wrap(bytes), "bytes")

/** Changes bytes at both ends, where the structure is, and elsewhere. Parsing must succeed or throw a [DetectorError]. */
private fun mutations(model: ByteArray, data: TestData) {
    val raw = File(data.golden, "detector_int8_raw.tflite").readBytes()
    var rejected = 0
    for (seed in 0 until 500) {
        val random = Random(seed.toLong())
        val bytes = (if (seed % 2 == 0) model else raw).copyOf()
        repeat(1 + random.nextInt(12)) {
            val position = when (random.nextInt(4)) {
                0 -> random.nextInt(minOf(2048, bytes.size))
                1 -> random.nextInt(bytes.size)
                else -> bytes.size - 1 - random.nextInt(minOf(60_000, bytes.size))
            }
            bytes[position] = if (random.nextBoolean()) random.nextInt(256).toByte() else (0xFF * random.nextInt(2)).toByte()
        }
        try {
            parsed(bytes)
        } catch (error: DetectorError) {
            check(error.message.orEmpty().startsWith("bytes") || "in bytes" in error.message.orEmpty()) { error }
            rejected += 1
        }
    }
    check(rejected in 50..499) { "$rejected of 500 rejected" }
}
