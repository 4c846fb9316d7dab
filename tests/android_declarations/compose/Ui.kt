package androidx.compose.ui

interface Modifier {
    companion object : Modifier
}

interface Alignment {
    interface Horizontal
    interface Vertical

    companion object {
        val BottomCenter: Alignment get() = TODO()
        val CenterVertically: Vertical get() = TODO()
        val CenterHorizontally: Horizontal get() = TODO()
    }
}
