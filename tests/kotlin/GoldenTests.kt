package kit.detector

import java.io.File

fun goldenTests(places: Places): List<Test> {
    val golden = Value.read(File(places.golden, "golden.json"))
    return listOf(
        Test("every golden model finds the same in every picture") {
            for (model in golden["models"].list) findsTheSame(places.golden, golden, model)
        },
        Test("golden models have their labels") {
            for (model in golden["models"].list) {
                val file = ModelFile.open(File(places.golden, model["file"].text).path)
                same(file.labels.names, model["labels"].list.map(Value::text))
                same(file.isFloat, model["input"]["type"].text == "float32")
            }
        },
        Test("resized bytes are the same") { golden["resize"].list.forEach(::resizesTheSame) },
        Test("colours of YUV are the same, however it is stored") { golden["yuv"].list.forEach(::convertsTheSame) },
        Test("raw heads and detectors of others find what Python finds") {
            val cases = Value.read(File(places.cases, "cases.json")).list
            check(cases.isNotEmpty()) { "no cases" }
            cases.forEach { findsWhatPythonFinds(places.cases, it) }
        },
    )
}

private fun findsTheSame(folder: File, golden: Value, model: Value) {
    val isExact = model["input"]["type"].text != "float32"
    open(File(folder, model["file"].text), golden["score"].double).use { detector ->
        for (result in model["results"].list) {
            val where = "${model["file"].text} ${result["picture"].text}"
            val frame = ppm(File(folder, result["picture"].text))
            same(sha256(detector.preprocess(frame)), result["input_sha256"].text, where)
            val found = detector.detect(frame)
            val box = if (isExact) 0.0 else golden["box_tolerance"].double
            val score = if (isExact) 0.0 else golden["score_tolerance"].double
            sameDetections(found.detections, result["detections"].list, box, score, where)
            check(found.timings.total > 0 && found.timings.invoke > 0) { "$where: it took no time" }
        }
    }
}

private fun resizesTheSame(case: Value) {
    val width = case["width"].int
    val height = case["height"].int
    val frame = rgb(noise(case["seed"].int, 3 * width * height), width, height)
    same(sha256(resized(frame, case["to_width"].int, case["to_height"].int)), case["sha256"].text, "$width x $height")
}

private fun convertsTheSame(case: Value) {
    val width = case["width"].int
    val height = case["height"].int
    val columns = (width + 1) / 2
    val rows = (height + 1) / 2
    val luma = noise(case["seed"].int, width * height)
    val chroma = noise(case["seed"].int + 1, 2 * columns * rows)
    val matrix = YuvColor.Matrix.valueOf(case["matrix"].text.uppercase())
    val color = YuvColor(matrix, case["full_range"].boolean)
    for (pixels in waysToStore(luma, chroma, width, height, color)) {
        same(sha256(resized(Frame(pixels, width, height), width, height)), case["sha256"].text, "$width x $height ${color.matrix}")
    }
}

/** U and V in turn as cameras have them, each by itself, and with rows longer than the picture in direct buffers. */
fun waysToStore(luma: ByteArray, chroma: ByteArray, width: Int, height: Int, color: YuvColor): List<Pixels.Yuv420> {
    val columns = (width + 1) / 2
    val u = ByteArray(chroma.size / 2) { chroma[2 * it] }
    val v = ByteArray(chroma.size / 2) { chroma[2 * it + 1] }
    val together = direct(chroma, 2 * columns, 2 * columns + 6)
    val fromV = together.duplicate().apply { position(1) }
    return listOf(
        Pixels.Yuv420(Plane(luma, width, 1), Plane(u, columns, 1), Plane(v, columns, 1), color),
        Pixels.Yuv420(
            Plane(direct(luma, width, width + 5), width + 5, 1), Plane(together, 2 * columns + 6, 2),
            Plane(fromV, 2 * columns + 6, 2), color,
        ),
        Pixels.Yuv420(
            Plane(luma, width, 1), Plane(direct(u, columns, columns + 1), columns + 1, 1),
            Plane(direct(v, columns, columns + 3), columns + 3, 1), color,
        ),
    )
}

/** [bytes] in rows of [rowBytes] each [stride] after the one before, the last one without what follows its pixels. */
fun direct(bytes: ByteArray, rowBytes: Int, stride: Int): java.nio.ByteBuffer {
    val rows = bytes.size / rowBytes
    val buffer = java.nio.ByteBuffer.allocateDirect((rows - 1) * stride + rowBytes)
    for (row in 0 until rows) {
        buffer.position(row * stride)
        buffer.put(bytes, row * rowBytes, rowBytes)
    }
    buffer.flip()
    return buffer
}

private fun findsWhatPythonFinds(folder: File, case: Value) {
    val where = "${case["file"].text} ${case["picture"].text}"
    open(File(folder, case["file"].text), case["score"].double).use { detector ->
        val frame = rgb(File(folder, case["picture"].text).readBytes(), case["width"].int, case["height"].int)
        same(sha256(detector.preprocess(frame)), case["input_sha256"].text, where)
        val found = detector.detect(frame).detections
        val isExact = case["exact"].boolean
        sameDetections(found, case["detections"].list, if (isExact) 0.0 else 0.5, if (isExact) 0.0 else 1e-3, where)
    }
}
