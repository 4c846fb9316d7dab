@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.ui.unit

class Dp

class TextUnit

class IntSize(val width: Int, val height: Int)

interface Density {
    fun Dp.toPx(): Float
}

val Int.dp: Dp get() = TODO()
val Int.sp: TextUnit get() = TODO()
