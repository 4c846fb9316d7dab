package kit.detector.android

import android.content.Context
import java.io.FileInputStream
import java.io.IOException
import java.nio.channels.FileChannel
import kit.detector.DetectorError
import kit.detector.Labels
import kit.detector.model.ModelFile

/**
 * Opens the asset [name] of the app by mapping it into memory. It must be uncompressed in the package, which is the Android
 * Gradle plugin's default for `.tflite`. [labels] override those in the file. Throws a [DetectorError].
 */
public fun ModelFile.Companion.fromAsset(context: Context, name: String, labels: Labels? = null): ModelFile {
    val buffer = try {
        context.assets.openFd(name).use { asset ->
            FileInputStream(asset.fileDescriptor).use { stream ->
                stream.channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.declaredLength)
            }
        }
    } catch (error: IOException) {
        throw DetectorError.Unreadable(name, error.message ?: "the app has no such asset, or it is compressed")
    }
    return ModelFile(buffer, name, labels, isAsset = true)
}
