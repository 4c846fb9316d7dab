package androidx.compose.ui.platform

import android.content.Context
import androidx.compose.runtime.Composable

class CompositionLocal<T>(private val value: T) {
    val current: T @Composable get() = value
}

val LocalContext: CompositionLocal<Context> get() = TODO()
