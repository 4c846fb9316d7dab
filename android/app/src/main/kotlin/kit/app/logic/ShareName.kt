package kit.app.logic

import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone

/**
 * The name of the file for a shared image: the model's and the time, in milliseconds since 1970. Characters that a receiver
 * may not take in a file name become underscores.
 */
fun shareName(model: String?, milliseconds: Long, zone: TimeZone = TimeZone.getDefault()): String {
    val format = SimpleDateFormat("yyyyMMdd-HHmmss-SSS", Locale.US).apply { timeZone = zone }
    val name = model.orEmpty().removeSuffix(".tflite").replace(Regex("[^A-Za-z0-9_-]"), "_").take(MOST).ifEmpty { "detector" }
    return "$name-${format.format(Date(milliseconds))}.jpg"
}

private const val MOST = 40
