package kit.detector

import java.io.IOException
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/**
 * A detector's file before an engine has seen it: what can be refused without one is refused here.
 *
 * [buffer] is the whole file, mapped into memory or not, and [path] what errors call it. [given] labels
 * come before those inside the file. Throws a [DetectorError] for a file that is no detector, is
 * damaged, or has no class names where none are given.
 */
class ModelFile(val buffer: ByteBuffer, val path: String, given: Labels? = null) {
    internal val model = Model(Bytes(buffer, path))
    internal val metadata = Metadata.of(model)
    internal val rawHead = RawHead.of(model, metadata)
    val labels: Labels

    init {
        if (rawHead == null) OutputOrder.checkCount(model)
        checkOperators()
        labels = given ?: labelsInside()
    }

    /** The least score that the file's metadata asks for, else 0.5. */
    val defaultScore: Double
        get() = metadata?.outputs.orEmpty().mapNotNull { it.scoreThreshold }.firstOrNull { it in 0f..1f }?.toDouble() ?: 0.5

    /** Whether the one input takes float32, as in the fp16 file; delegates differ in what they take. */
    val isFloat: Boolean get() = model.inputs.singleOrNull()?.let { model.tensors[it].type } == "float32"

    private fun checkOperators() {
        val names = model.operators.map { it.customName }.toSortedSet()
        if ("edgetpu-custom-op" in names) {
            val reason = "compiled for the Edge TPU, which only that chip can run; use the int8 file that it was compiled from"
            throw DetectorError.Unsupported(path, reason)
        }
        val flex = names.filter { it.startsWith("Flex") }
        if (flex.isNotEmpty()) {
            val named = flex.take(3).joinToString()
            val reason = "needs TensorFlow's own operators ($named); convert it with built-in operators only"
            throw DetectorError.Unsupported(path, reason)
        }
    }

    private fun labelsInside(): Labels {
        val named = metadata?.allFiles.orEmpty().filter { it.holdsLabels && it.name.isNotEmpty() }
        // A list without a locale is the plain one; the others are translations of it.
        val best = named.minByOrNull { it.locale.isNotEmpty() } ?: throw DetectorError.NoLabels(path)
        val content = ZipArchive(model.bytes).content(best.name)
            ?: throw model.bytes.damage("its metadata names the label file ${best.name}, which is not in it")
        return Labels.parse(String(content, Charsets.UTF_8), "${best.name} in $path")
    }

    companion object {
        /** The file at [path], mapped into memory. Throws [DetectorError.Unreadable] besides. */
        fun open(path: String, labels: Labels? = null): ModelFile {
            val buffer = try {
                RandomAccessFile(path, "r").use { it.channel.map(FileChannel.MapMode.READ_ONLY, 0, it.length()) }
            } catch (error: IOException) {
                throw DetectorError.Unreadable(path, error.message ?: "it cannot be opened")
            } catch (error: IllegalArgumentException) {
                throw DetectorError.Unreadable(path, "it is larger than 2 GB")
            }
            return ModelFile(buffer, path, labels)
        }
    }
}
