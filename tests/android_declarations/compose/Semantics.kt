@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.ui.semantics

import androidx.compose.ui.Modifier

interface SemanticsPropertyReceiver

var SemanticsPropertyReceiver.contentDescription: String
    get() = TODO()
    set(value) = TODO()

fun Modifier.semantics(properties: SemanticsPropertyReceiver.() -> Unit): Modifier = TODO()
