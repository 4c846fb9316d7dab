@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.lifecycle.viewmodel.compose

import androidx.compose.runtime.Composable

@Composable
inline fun <reified Kind : Any> viewModel(): Kind = TODO()
