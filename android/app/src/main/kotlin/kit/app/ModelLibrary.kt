package kit.app

import android.content.Context
import android.net.Uri
import android.provider.OpenableColumns
import java.io.File
import java.io.IOException
import kit.detector.DetectorError
import kit.detector.android.Detectors
import kit.detector.model.ModelFile

/** A detector that the user can choose: bundled with the app, or imported from the phone. */
sealed class ModelChoice(val name: String) {
    class Bundled(name: String) : ModelChoice(name)

    class Imported(val file: File) : ModelChoice(file.name)
}

/** The models in the app's assets and the imported ones. Reads files: do not call on the main thread. */
class ModelLibrary(private val context: Context) {
    private val folder = File(context.filesDir, "models")

    fun choices(): List<ModelChoice> {
        val bundled = context.assets.list("").orEmpty().filter { it.endsWith(SUFFIX) }.sorted().map(ModelChoice::Bundled)
        val imported = folder.listFiles().orEmpty().filter { it.name.endsWith(SUFFIX) }.sorted().map(ModelChoice::Imported)
        return bundled + imported
    }

    /** Opens a model. Throws a [DetectorError] if it is not a detector. */
    fun open(choice: ModelChoice): ModelFile = when (choice) {
        is ModelChoice.Bundled -> Detectors.asset(context, choice.name)
        is ModelChoice.Imported -> ModelFile.open(choice.file.path)
    }

    /** Copies a picked file into the app, where it stays. Throws [DetectorError.Unreadable]. */
    fun importModel(uri: Uri): ModelChoice {
        val name = nameOf(uri)
        folder.mkdirs()
        val part = File(folder, "$name.part")
        try {
            val stream = context.contentResolver.openInputStream(uri) ?: throw IOException("it cannot be opened")
            stream.use { from -> part.outputStream().use { to -> from.copyTo(to) } }
            // Renamed last, so that an interrupted copy leaves no incomplete model.
            val target = File(folder, name)
            if (!part.renameTo(target)) throw IOException("it cannot be stored in the app")
            return ModelChoice.Imported(target)
        } catch (error: IOException) {
            throw DetectorError.Unreadable(name, error.message ?: error.toString())
        } catch (error: SecurityException) {
            throw DetectorError.Unreadable(name, error.message ?: error.toString())
        } finally {
            part.delete()
        }
    }

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
    }
}
