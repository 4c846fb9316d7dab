package androidx.compose.ui.layout

interface ContentScale {
    companion object {
        val Crop: ContentScale get() = TODO()
    }
}
