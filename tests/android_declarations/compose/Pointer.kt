@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.ui.input.pointer

import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.IntSize

class PointerInputChange {
    fun consume(): Unit = TODO()
}

interface PointerInputScope : Density {
    val size: IntSize
}

fun interface PointerInputEventHandler {
    suspend operator fun PointerInputScope.invoke()
}

fun Modifier.pointerInput(first: Any?, second: Any?, block: PointerInputEventHandler): Modifier = TODO()
