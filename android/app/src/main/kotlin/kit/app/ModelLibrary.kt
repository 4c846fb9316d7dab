package kit.app

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ImageDecoder
import android.net.Uri
import android.os.Build
import android.provider.OpenableColumns
import java.io.File
import java.io.IOException
import kit.detector.DetectorError
import kit.detector.android.fromAsset
import kit.detector.model.ModelFile

/** A detector that the user can choose: bundled with the app, or imported from the phone. */
sealed class ModelChoice(val name: String) {
    class Bundled(name: String) : ModelChoice(name)

    class Imported(val file: File) : ModelChoice(file.name)
}

/** The models in the app's assets and the imported ones, and images that the user picks. Reads files: do not call on the main thread. */
class ModelLibrary(private val context: Context) {
    private val folder = File(context.filesDir, "models")

    fun choices(): List<ModelChoice> {
        val bundled = context.assets.list("").orEmpty().filter { it.endsWith(SUFFIX) }.sorted().map(ModelChoice::Bundled)
        val imported = folder.listFiles().orEmpty().filter { it.name.endsWith(SUFFIX) }.sorted().map(ModelChoice::Imported)
        return bundled + imported
    }

    /** Opens a model. Throws a [DetectorError] if it is not a detector. */
    fun open(choice: ModelChoice): ModelFile = when (choice) {
        is ModelChoice.Bundled -> ModelFile.fromAsset(context, choice.name)
        is ModelChoice.Imported -> ModelFile.open(choice.file.path)
    }

    /** Copies a picked file into the app, where it stays. Throws [DetectorError.Unreadable]. */
    fun importModel(uri: Uri): ModelChoice {
        var name = uri.toString()
        val part = File(folder, "import.part")
        try {
            // The document's provider is another app: all that it is asked for may fail.
            name = nameOf(uri)
            folder.mkdirs()
            val stream = context.contentResolver.openInputStream(uri) ?: throw IOException("it cannot be opened")
            stream.use { from -> part.outputStream().use { to -> from.copyTo(to) } }
            // Renamed last, so that an interrupted copy leaves no incomplete model.
            val target = File(folder, name)
            if (!part.renameTo(target)) throw IOException("it cannot be stored in the app")
            return ModelChoice.Imported(target)
        } catch (error: IOException) {
            throw DetectorError.Unreadable(name, error.message ?: error.toString())
        } catch (error: RuntimeException) {
            throw DetectorError.Unreadable(name, error.message ?: error.toString())
        } finally {
            part.delete()
        }
    }

    /** Whether there is a video at [uri], as its provider says. Throws [DetectorError.Unreadable]. */
    fun isVideo(uri: Uri): Boolean = try {
        context.contentResolver.getType(uri).orEmpty().startsWith("video/")
    } catch (error: RuntimeException) {
        throw DetectorError.Unreadable(uri.toString(), error.message ?: error.toString())
    }

    /**
     * The upright image at [uri], scaled down to [MOST_PIXELS] or a little less where it has more. Throws
     * [DetectorError.Unreadable].
     */
    fun photo(uri: Uri): Bitmap = try {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            ImageDecoder.decodeBitmap(ImageDecoder.createSource(context.contentResolver, uri)) { decoder, info, _ ->
                // The pixels are read, which those of a bitmap of the GPU cannot be.
                decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
                decoder.setTargetSampleSize(sampleSize(info.size.width, info.size.height))
            }
        } else {
            // Android 8 and before: images that need a rotation are shown as they are stored.
            val bytes = context.contentResolver.openInputStream(uri)?.use { it.readBytes() } ?: throw IOException("it cannot be opened")
            val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
            BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options)
            options.inSampleSize = sampleSize(options.outWidth, options.outHeight)
            options.inJustDecodeBounds = false
            BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options) ?: throw IOException("it is no image")
        }
    } catch (error: IOException) {
        throw DetectorError.Unreadable(uri.toString(), error.message ?: error.toString())
    } catch (error: RuntimeException) {
        throw DetectorError.Unreadable(uri.toString(), error.message ?: error.toString())
    }

    /** The divisor of both sides that leaves [MOST_PIXELS] at most. */
    private fun sampleSize(width: Int, height: Int): Int =
        generateSequence(1) { 2 * it }.first { width.toLong() / it * (height / it) <= MOST_PIXELS }

    private fun nameOf(uri: Uri): String {
        val displayName = context.contentResolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use { rows ->
            if (rows.moveToFirst()) rows.getString(0) else null
        }
        // Untrusted: the name must not lead out of the folder.
        val fileName = File(displayName ?: "model").name
        return if (fileName.endsWith(SUFFIX)) fileName else fileName + SUFFIX
    }

    private companion object {
        const val SUFFIX = ".tflite"

        // Four times what a phone shows, and 32 MB in memory.
        const val MOST_PIXELS = 8_000_000L
    }
}
