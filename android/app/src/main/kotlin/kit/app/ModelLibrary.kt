package kit.app

import android.content.Context
import android.net.Uri
import android.provider.OpenableColumns
import kit.detector.DetectorError
import kit.detector.ModelFile
import kit.detector.android.Detectors
import java.io.File
import java.io.IOException

/** A detector that the user may choose: bundled with the app, or taken in from the phone. */
sealed class ModelChoice(val name: String) {
    class Bundled(name: String) : ModelChoice(name)

    class Taken(val file: File) : ModelChoice(file.name)
}

/** The models in the app's assets, and those that the user opened. Not for the main thread. */
class ModelLibrary(private val context: Context) {
    private val folder = File(context.filesDir, "models")

    fun choices(): List<ModelChoice> {
        val bundled = context.assets.list("").orEmpty().filter { it.endsWith(SUFFIX) }.sorted().map(ModelChoice::Bundled)
        val taken = folder.listFiles().orEmpty().filter { it.name.endsWith(SUFFIX) }.sorted().map(ModelChoice::Taken)
        return bundled + taken
    }

    /** Throws a [DetectorError]. */
    fun open(choice: ModelChoice): ModelFile = when (choice) {
        is ModelChoice.Bundled -> Detectors.asset(context, choice.name)
        is ModelChoice.Taken -> ModelFile.open(choice.file.path)
    }

    /** Copies a picked file into the app, so that it is there the next time. Throws [DetectorError.Unreadable]. */
    fun take(uri: Uri): ModelChoice {
        val name = nameOf(uri)
        folder.mkdirs()
        val part = File(folder, "$name.part")
        try {
            val stream = context.contentResolver.openInputStream(uri) ?: throw IOException("it cannot be opened")
            stream.use { from -> part.outputStream().use { to -> from.copyTo(to) } }
            // Whole under its name, or not there.
            val whole = File(folder, name)
            if (!part.renameTo(whole)) throw IOException("it cannot be kept")
            return ModelChoice.Taken(whole)
        } catch (error: IOException) {
            throw DetectorError.Unreadable(name, error.message ?: error.toString())
        } catch (error: SecurityException) {
            throw DetectorError.Unreadable(name, error.message ?: error.toString())
        } finally {
            part.delete()
        }
    }

    private fun nameOf(uri: Uri): String {
        val said = context.contentResolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use { rows ->
            if (rows.moveToFirst()) rows.getString(0) else null
        }
        // A name from elsewhere must not lead out of the folder.
        val plain = File(said ?: "model").name
        return if (plain.endsWith(SUFFIX)) plain else plain + SUFFIX
    }

    private companion object {
        const val SUFFIX = ".tflite"
    }
}
