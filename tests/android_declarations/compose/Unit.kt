package androidx.compose.ui.unit

class Dp
class TextUnit
data class IntSize(val width: Int, val height: Int)

val Int.dp: Dp get() = TODO()
val Int.sp: TextUnit get() = TODO()

interface Density {
    fun Dp.toPx(): Float
}
