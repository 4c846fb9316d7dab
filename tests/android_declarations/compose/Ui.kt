@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.ui

interface Modifier {
    companion object : Modifier
}

interface Alignment {
    interface Vertical

    interface Horizontal

    companion object {
        val BottomCenter: Alignment get() = TODO()
        val CenterVertically: Vertical get() = TODO()
        val CenterHorizontally: Horizontal get() = TODO()
    }
}
