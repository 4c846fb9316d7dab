@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.runtime.saveable

import androidx.compose.runtime.Composable

@Composable
fun <T> rememberSaveable(init: () -> T): T = TODO()
