package kit.detector

import java.io.File
import java.nio.ByteBuffer
import kit.detector.model.ModelFile

fun goldenTests(data: TestData): List<Test> {
    val golden = Value.read(File(data.golden, "golden.json"))
    return listOf(
        Test("golden models give the golden detections") {
            for (model in golden["models"].list) checkModel(data.golden, golden, model)
        },
        Test("labels of golden models are read") {
            for (model in golden["models"].list) {
                val file = ModelFile.open(File(data.golden, model["file"].text).path)
                same(file.labels.names, model["labels"].list.map(Value::text))
                same(file.isFloat, model["input"]["type"].text == "float32")
            }
        },
        Test("resizing gives the golden bytes") { golden["resize"].list.forEach(::checkResize) },
        Test("YUV conversion gives the golden bytes for all layouts") { golden["yuv"].list.forEach(::checkConversion) },
        Test("raw heads and third-party detectors agree with Python") {
            val cases = Value.read(File(data.cases, "cases.json")).list
            check(cases.isNotEmpty()) { "no cases" }
            cases.forEach { checkCase(data.cases, it) }
        },
        Test("the threshold in the file is the default, in four-output files and raw heads") {
            val cases = Value.read(File(data.cases, "cases.json")).list
            for (case in cases) {
                val file = ModelFile.open(File(data.cases, case["file"].text).path)
                same(file.defaultScore, case["default_score"].double, file.path)
                open(file).use { same(it.scoreThreshold, file.defaultScore) }
            }
            val names = cases.filter { it["default_score"].double != 0.5 }.map { it["file"].text }.toSet()
            check("small_int8.tflite" in names && "small_int8_raw.tflite" in names) { names }
        },
    )
}

private fun checkModel(folder: File, golden: Value, model: Value) {
    val prefix = if (model["input"]["type"].text == "float32") "" else "int8_"
    open(File(folder, model["file"].text), golden["score"].double).use { detector ->
        for (result in model["results"].list) {
            val where = "${model["file"].text} ${result["picture"].text}"
            val frame = ppm(File(folder, result["picture"].text))
            same(sha256(detector.preprocess(frame)), result["input_sha256"].text, where)
            val actual = detector.detectBlocking(frame)
            val box = golden["${prefix}box_tolerance"].double
            val score = golden["${prefix}score_tolerance"].double
            sameDetections(actual.detections, result["detections"].list, box, score, where)
            check(actual.timings.total > 0 && actual.timings.invoke > 0) { "$where: no time was measured" }
        }
    }
}

private fun checkResize(case: Value) {
    val width = case["width"].int
    val height = case["height"].int
    val frame = rgb(noise(case["seed"].int, 3 * width * height), width, height)
    same(sha256(resized(frame, case["to_width"].int, case["to_height"].int)), case["sha256"].text, "$width x $height")
}

private fun checkConversion(case: Value) {
    val width = case["width"].int
    val height = case["height"].int
    val columns = (width + 1) / 2
    val rows = (height + 1) / 2
    val luma = noise(case["seed"].int, width * height)
    val chroma = noise(case["seed"].int + 1, 2 * columns * rows)
    val matrix = YuvColor.Matrix.valueOf(case["matrix"].text.uppercase())
    val color = YuvColor(matrix, case["full_range"].boolean)
    for (pixels in yuvLayouts(luma, chroma, width, height, color)) {
        same(sha256(resized(Frame(pixels, width, height), width, height)), case["sha256"].text, "$width x $height ${color.matrix}")
    }
}

/** The same image with separate U and V planes, interleaved as from a camera, and with padded rows in direct buffers. */
fun yuvLayouts(luma: ByteArray, chroma: ByteArray, width: Int, height: Int, color: YuvColor): List<Pixels.Yuv420> {
    val columns = (width + 1) / 2
    val u = ByteArray(chroma.size / 2) { chroma[2 * it] }
    val v = ByteArray(chroma.size / 2) { chroma[2 * it + 1] }
    val interleaved = direct(chroma, 2 * columns, 2 * columns + 6)
    val vPlane = interleaved.duplicate().apply { position(1) }
    return listOf(
        Pixels.Yuv420(Plane(luma, width, 1), Plane(u, columns, 1), Plane(v, columns, 1), color),
        Pixels.Yuv420(
            Plane(direct(luma, width, width + 5), width + 5, 1), Plane(interleaved, 2 * columns + 6, 2),
            Plane(vPlane, 2 * columns + 6, 2), color,
        ),
        Pixels.Yuv420(
            Plane(luma, width, 1), Plane(direct(u, columns, columns + 1), columns + 1, 1),
            Plane(direct(v, columns, columns + 3), columns + 3, 1), color,
        ),
    )
}

/** A direct buffer with rows of [rowBytes] bytes at a distance of [stride] bytes; the last row has no padding. */
fun direct(bytes: ByteArray, rowBytes: Int, stride: Int): ByteBuffer {
    val rows = bytes.size / rowBytes
    val buffer = ByteBuffer.allocateDirect((rows - 1) * stride + rowBytes)
    for (row in 0 until rows) {
        buffer.position(row * stride)
        buffer.put(bytes, row * rowBytes, rowBytes)
    }
    buffer.flip()
    return buffer
}

private fun checkCase(folder: File, case: Value) {
    val where = case["name"].text
    val agnosticIou = case["agnostic_iou"].doubleOrNull
    open(File(folder, case["file"].text), case["score"].double, case["all_labels"].boolean, agnosticIou).use { detector ->
        val frame = rgb(File(folder, case["image"].text).readBytes(), case["width"].int, case["height"].int)
        same(sha256(detector.preprocess(frame)), case["input_sha256"].text, where)
        val actual = detector.detectBlocking(frame).detections
        sameDetections(actual, case["detections"].list, case["box_tolerance"].double, case["score_tolerance"].double, where)
    }
}
