package kit.detector

import java.io.File
import java.nio.ByteBuffer
import java.security.MessageDigest
import kit.detector.engine.EngineChoice
import kit.detector.engine.EngineProvider
import kit.detector.engine.TensorFlowLiteEngine
import kit.detector.model.ModelFile
import kit.detector.model.toArray
import kit.detector.preprocessing.Bilinear
import kit.detector.preprocessing.ByteEncoder
import kit.detector.preprocessing.PixelSource
import kit.detector.preprocessing.Scratch
import kotlin.math.abs
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int

/** A JSON value with typed access. */
class Value(private val element: JsonElement) {
    operator fun get(name: String) = Value((element as JsonObject).getValue(name))

    val list: List<Value> get() = (element as JsonArray).map(::Value)
    val text: String get() = (element as JsonPrimitive).content
    val int: Int get() = (element as JsonPrimitive).int
    val double: Double get() = (element as JsonPrimitive).double

    /** Null for a JSON null. */
    val doubleOrNull: Double? get() = if (element is JsonNull) null else double
    val boolean: Boolean get() = (element as JsonPrimitive).boolean

    companion object {
        fun read(file: File) = Value(Json.parseToJsonElement(file.readText()))
    }
}

/** Byte i of `noise(seed, n)` of tests/golden/README.md. */
fun noise(seed: Int, count: Int) = ByteArray(count) { index ->
    var x = (index.toUInt() + 65537u * seed.toUInt()) * 2654435761u
    x = x xor (x shr 15)
    (x * 2246822519u shr 24).toByte()
}

fun sha256(bytes: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

fun sha256(bytes: ByteBuffer): String = sha256(bytes.duplicate().toArray())

/** Reads a binary PPM as a frame. */
fun ppm(file: File): Frame {
    val bytes = file.readBytes()
    val header = String(bytes, 0, minOf(bytes.size, 64), Charsets.ISO_8859_1)
    val match = Regex("P6\\s(\\d+) (\\d+)\\s255\\s").matchAt(header, 0) ?: error("$file is not a PPM")
    val (width, height) = match.destructured
    return rgb(bytes.copyOfRange(match.value.length, bytes.size), width.toInt(), height.toInt())
}

fun rgb(bytes: ByteArray, width: Int, height: Int) = Frame(Pixels.Rgb(Plane(bytes, 3 * width, 3)), width, height)

fun open(file: File, score: Double, allLabels: Boolean = false, agnosticIou: Double? = null): Detector {
    val options = DetectorOptions(scoreThreshold = score, allLabels = allLabels, agnosticIou = agnosticIou)
    return open(ModelFile.open(file.path), options)
}

fun open(file: ModelFile, options: DetectorOptions = DetectorOptions()): Detector = Detector.loadBlocking(file, tensorFlowLite, options)

val tensorFlowLite = EngineProvider { file -> listOf(EngineChoice("CPU") { TensorFlowLiteEngine(file.buffer) }) }

/** Compares [actual] with the detections from Python, with tolerances for boxes in pixels and for scores. */
fun sameDetections(actual: List<Detection>, expected: List<Value>, box: Double, score: Double, where: String) {
    same(actual.map { "${it.label} ${it.classId}" }, expected.map { "${it["label"].text} ${it["class"].int}" }, where)
    for ((one, other) in actual.zip(expected)) {
        check(abs(one.score - other["score"].double) <= score) { "$where: score ${one.score}, expected ${other["score"].double}" }
        val sides = listOf(one.box.xmin, one.box.ymin, one.box.xmax, one.box.ymax)
        for ((side, right) in sides.zip(other["box"].list)) {
            check(abs(side - right.double) <= box) { "$where: box $sides, expected ${other["box"].list.map { it.double }}" }
        }
    }
}

/** The input tensor for [frame] of a uint8 model with an input of [width] x [height] pixels. */
fun resized(frame: Frame, width: Int, height: Int): ByteArray {
    val encoder = ByteEncoder(width, height, isSigned = false)
    Bilinear(width, height).resize(PixelSource.of(frame, Scratch()), encoder)
    return encoder.tensor.apply { rewind() }.toArray()
}
