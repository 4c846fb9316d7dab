package androidx.compose.ui.graphics

interface Shape

class Color {
    fun copy(alpha: Float): Color = TODO("$alpha")

    companion object {
        val Black: Color get() = TODO()

        fun hsv(hue: Float, saturation: Float, value: Float): Color = TODO("$hue $saturation $value")
    }
}
