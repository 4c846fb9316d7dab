package kit.detector.model

import java.io.IOException
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.security.MessageDigest
import kit.detector.DetectorError
import kit.detector.Labels

/**
 * The file of a detector, whose content was checked as far as possible without an engine.
 *
 * [given] labels override those in the file. The constructor throws a [DetectorError] if the file is not a detector, is damaged, or has no
 * class names and none are given.
 *
 * @property buffer the whole file, memory-mapped or not.
 * @property path the path of the file, or the name of the asset; also its name in error messages.
 * @property isAsset whether [path] is the name of one of the app's assets.
 */
public class ModelFile(public val buffer: ByteBuffer, public val path: String, given: Labels? = null, public val isAsset: Boolean = false) {
    internal val model = Model(Bytes(buffer, path))
    internal val metadata = Metadata.of(model)
    internal val rawHead = RawHead.of(model, metadata)
    /** The class names. */
    public val labels: Labels

    init {
        if (rawHead == null) OutputOrder.checkCount(model)
        checkOperators()
        labels = given ?: embeddedLabels()
    }

    /** The score threshold in the file's metadata, or 0.5 if there is none. */
    public val defaultScore: Double
        get() = metadata?.outputs.orEmpty().mapNotNull { it.scoreThreshold }.firstOrNull { it in 0f..1f }?.toDouble() ?: 0.5

    /** Whether the input is float32, as in the fp16 file. Delegates differ in the types that they support. */
    public val isFloat: Boolean get() = model.inputs.singleOrNull()?.let { model.tensors[it].type } == "float32"

    /** A name for the content of the file, the same for the same bytes: what is cached of a file is kept under it. */
    public val fingerprint: String by lazy {
        val digest = MessageDigest.getInstance("SHA-256").apply { update(buffer.duplicate().apply { rewind() }) }.digest()
        digest.take(8).joinToString("") { "%02x".format(it) }
    }

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

    private fun embeddedLabels(): Labels {
        val named = metadata?.allFiles.orEmpty().filter { it.holdsLabels && it.name.isNotEmpty() }
        // Label files with a locale are translations of the one without.
        val best = named.minByOrNull { it.locale.isNotEmpty() } ?: throw DetectorError.NoLabels(path)
        val content = ZipArchive(model.bytes).content(best.name)
            ?: throw model.bytes.damaged("its metadata names the label file ${best.name}, which is missing")
        return Labels.parse(String(content, Charsets.UTF_8), "${best.name} in $path")
    }

    public companion object {
        /**
         * Opens the file at [path] by mapping it into memory. [labels] override those in the file.
         *
         * Throws [DetectorError.Unreadable] if there is no such file, and the errors of the constructor.
         */
        public fun open(path: String, labels: Labels? = null): ModelFile {
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
