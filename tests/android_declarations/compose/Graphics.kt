@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.ui.graphics

interface Shape

interface ImageBitmap

class Path {
    fun moveTo(x: Float, y: Float): Unit = TODO()
    fun lineTo(x: Float, y: Float): Unit = TODO()
    fun close(): Unit = TODO()
}

fun android.graphics.Bitmap.asImageBitmap(): ImageBitmap = TODO()

class Color {
    fun copy(alpha: Float): Color = TODO()

    companion object {
        val White: Color get() = TODO()
        val Black: Color get() = TODO()
        val Unspecified: Color get() = TODO()

        fun hsv(hue: Float, saturation: Float, value: Float): Color = TODO()
    }
}
