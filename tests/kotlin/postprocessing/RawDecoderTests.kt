package kit.detector.postprocessing

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError
import kit.detector.Test
import kit.detector.TestData
import kit.detector.Value
import kit.detector.check
import kit.detector.engine.Tensor
import kit.detector.engine.TensorPort
import kit.detector.engine.TensorType
import kit.detector.fails
import kit.detector.model.Bytes
import kit.detector.model.RawHead
import kit.detector.same
import kotlin.math.abs
import kotlin.math.exp

fun rawDecoderTests(data: TestData) = listOf(
    Test("raw outputs of all types and versions are decoded as in Python, also with many classes") {
        val cases = Value.read(File(data.cases, "decodings.json")).list
        check(cases.isNotEmpty()) { "no cases" }
        cases.forEach(::checkDecoding)
    },
    Test("an anchor is found once for each class, and suppression is within the class") {
        // The second anchor's box is that of the first; background is never a class.
        val logits = floatArrayOf(9f, 2f, 1f, 9f, 0f, 1.5f, 9f, -1f, -9f)
        val found = decode(head(), logits)
        same(found.map { it.classId }, listOf(0, 1, 0))
        check(abs(found[0].score - 1 / (1 + exp(-2f))) < 1e-6) { found[0].score }
        check(abs(found[1].score - 1 / (1 + exp(-1.5f))) < 1e-6) { found[1].score }
        check(found[0].sides.equalTo(found[1].sides) && found[0].sides.equalTo(Sides(0f, 0f, 0.5f, 0.5f))) { found }
    },
    Test("only the candidates with the highest logits are looked at, equal ones in the order of anchors and classes") {
        val logits = floatArrayOf(9f, 1f, 2f, 9f, 2f, 2f, 9f, 2f, -9f)
        same(decode(head(candidates = 1), logits).map { it.classId }, listOf(1))
        // The second candidate is anchor 1, class 0.
        val two = decode(head(candidates = 2), logits)
        same(two.map { it.classId }, listOf(1, 0))
        same(two[1].sides.ymin, 0f)
        same(decode(head(candidates = 1000), logits).size, 3)
        same(decode(head(detections = 2), logits).size, 2)
    },
    Test("int8 logits give sigmoids that are not rounded to steps in version 2, and steps of 1/256 in version 1") {
        for ((type, zeroPoint) in listOf(TensorType.INT8 to -4, TensorType.UINT8 to 124)) {
            val port = TensorPort("", listOf(1, 3, 3), type, 0.5f, zeroPoint)
            val stored = listOf(0, 4, 0, 0, -90, -90, 0, 2, 40).map { (zeroPoint + it).toByte() }
            val logits = Tensor(port, ByteBuffer.wrap(stored.toByteArray()))
            val second = Postprocessor.of(head()).decode(listOf(codes(), logits), 0.6f)
            same(second.map { it.score }, listOf(20f, 2f, 1f).map(RawOutput::sigmoid))
            val first = Postprocessor.of(head(candidates = 0)).decode(listOf(codes(), logits), 0f)
            // 256 / (1 + exp(-20)) rounds to 256, which 8 bits don't hold; 256 / (1 + exp(-2)) to 225.
            same(first.map { it.score }, listOf(255f / 256, 225f / 256))
            same(first.map { it.classId }, listOf(1, 0))
        }
    },
    Test("in version 1 an anchor has its best class, and boxes are suppressed whatever their classes") {
        val logits = floatArrayOf(9f, 2f, 1f, 9f, 0f, 1.5f, 9f, -1f, 0f)
        same(decode(head(candidates = 0), logits).map { it.classId }, listOf(0, 1))
    },
    Test("thresholds of the file and of the caller hold for both versions") {
        val logits = floatArrayOf(0f, 2f, -9f, 0f, -9f, -9f, 0f, -1f, -9f)
        for (candidates in listOf(0, 100)) {
            same(decode(head(candidates), logits, minScore = 0.5f).size, 1)
            same(decode(head(candidates, score = 0.5f), logits).size, 1)
            same(decode(head(candidates), logits).size, 2)
            same(decode(head(candidates), logits, minScore = 1f).size, 0)
            same(Postprocessor.of(head(candidates)).decode(emptyList(), 0f).size, 0)
        }
    },
    Test("damaged raw heads and later versions are rejected") {
        val good = bytes(candidates = 100)
        fails<DetectorError.Damaged> { parsed(good.copyOf(good.size - 1)) }
        fails<DetectorError.Damaged> { parsed(good.copyOf(20)) }
        fails<DetectorError.Damaged> { parsed(bytes(candidates = 100, score = 2f)) }
        // No candidates.
        fails<DetectorError.Damaged> { parsed(good.copyOf().also { ByteBuffer.wrap(it).putInt(48, 0) }) }
        fails<DetectorError.Damaged> { parsed(good.copyOf().also { it[4] = 3 }) }
        fails<DetectorError.Unsupported> { parsed(good.copyOf().also { it[4] = 4 }) }
        fails<DetectorError.Unsupported> { parsed(good.copyOf().also { it[4] = 0 }) }
        same(parsed(good).candidates, 100)
        same(parsed(good).bins, 0)
    },
    Test("version 3 says how box codes and scores are made") {
        same(parsed(third()).bins, 8)
        same(parsed(third()).codeSize, 32)
        // Bins at 52, whether anchors are points at 56.
        for ((offset, value) in listOf(52 to 0, 52 to 1, 52 to 257, 56 to 0, 56 to 2)) {
            fails<DetectorError.Damaged> { parsed(third().also { ByteBuffer.wrap(it).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value) }) }
        }
        // Another activation.
        fails<DetectorError.Unsupported> { parsed(third().also { it[60] = 1 }) }
        val boxes = third().also { it[52] = 0 }.also { it[56] = 0 }
        same(parsed(boxes).codeSize, 4)
    },
    Test("sides of distributions are left, top, right, bottom") {
        // Nearly all of the weight is in one bin: 3 to the left, 2 up, 1 to the right, none down.
        val codes = FloatArray(96) { -50f }
        for (index in listOf(3, 8 + 2, 16 + 1, 24)) codes[index] = 200f
        val logits = floats(floatArrayOf(9f, 2f, -9f, 9f, -9f, -9f, 9f, -9f, -9f), listOf(1, 3, 3))
        val found = Postprocessor.of(parsed(third())).decode(listOf(floats(codes, listOf(1, 3, 32)), logits), 0f)
        // The first anchor is a point at 0.25, 0.25 with a stride of 0.5.
        same(found.size, 1)
        check(found[0].sides.equalTo(Sides(-0.75f, -1.25f, 0.25f, 0.75f))) { found[0].sides.xmin }
        same(Postprocessor.of(parsed(third())).decode(listOf(codes(), logits), 0f).size, 0)
    },
)

private fun checkDecoding(case: Value) {
    val head = parsed(case["head"].list.map { it.int.toByte() }.toByteArray())
    val type = TensorType.valueOf(case["type"].text.uppercase())
    val raw = listOf("codes", "logits").mapIndexed { index, name ->
        val values = case[name].list.map(Value::double)
        val port = TensorPort(
            name, listOf(values.size), type, case["scales"].list[index].double.toFloat(), case["zero_points"].list[index].int,
        )
        if (type == TensorType.FLOAT32) floats(FloatArray(values.size) { values[it].toFloat() }, port.shape)
        else Tensor(port, ByteBuffer.wrap(ByteArray(values.size) { values[it].toInt().toByte() }))
    }
    val found = Postprocessor.of(head).decode(raw, 0f)
    val expected = case["found"].list.map { one -> one.list.map(Value::double) }
    same(found.map { it.classId }, expected.map { it[0].toInt() }, case["name"].text)
    for ((one, other) in found.zip(expected)) {
        val numbers = listOf(one.score, one.sides.ymin, one.sides.xmin, one.sides.ymax, one.sides.xmax)
        for ((number, right) in numbers.zip(other.drop(1))) {
            check(abs(number - right) <= 1e-6 * maxOf(1.0, abs(right))) { "${case["name"].text}: $numbers, expected $other" }
        }
    }
}

/** A head of three anchors of a quarter of the image, the first two identical, and two classes after background. */
private fun bytes(candidates: Int, score: Float = 0.1f, detections: Int = 10): ByteArray {
    val anchors = floatArrayOf(0.25f, 0.25f, 0.5f, 0.5f, 0.25f, 0.25f, 0.5f, 0.5f, 0.75f, 0.75f, 0.5f, 0.5f)
    val isSecond = candidates > 0
    val buffer = ByteBuffer.allocate(96 + if (isSecond) 4 else 0).order(ByteOrder.LITTLE_ENDIAN)
    buffer.put("RAWH".toByteArray())
    for (number in listOf(if (isSecond) 2 else 1, 3, 2, 1, detections)) buffer.putInt(number)
    for (number in listOf(score, 0.5f, 10f, 10f, 5f, 5f)) buffer.putFloat(number)
    if (isSecond) buffer.putInt(candidates)
    anchors.forEach(buffer::putFloat)
    return buffer.array()
}

/** The same in version 3: points, and box codes of distributions over 8 bins. */
private fun third(): ByteArray {
    val second = bytes(candidates = 100)
    second[4] = 3
    val how = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putInt(8).putInt(1).putInt(0)
    return second.copyOf(52) + how.array() + second.copyOfRange(52, second.size)
}

private fun parsed(bytes: ByteArray) = RawHead(Bytes(ByteBuffer.wrap(bytes), "raw_head.bin"))

private fun head(candidates: Int = 100, score: Float = 0.1f, detections: Int = 10) =
    parsed(bytes(candidates, score, detections))

private fun floats(values: FloatArray, shape: List<Int>): Tensor {
    val buffer = ByteBuffer.allocateDirect(4 * values.size).order(ByteOrder.nativeOrder())
    values.forEach(buffer::putFloat)
    buffer.flip()
    return Tensor(TensorPort("", shape, TensorType.FLOAT32), buffer)
}

private fun codes() = floats(FloatArray(12), listOf(1, 3, 4))

private fun decode(head: RawHead, logits: FloatArray, minScore: Float = 0f): List<RawDetection> =
    Postprocessor.of(head).decode(listOf(codes(), floats(logits, listOf(1, 3, 3))), minScore)
