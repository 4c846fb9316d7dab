@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.foundation.gestures

import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.input.pointer.PointerInputChange
import androidx.compose.ui.input.pointer.PointerInputScope

suspend fun PointerInputScope.detectTapGestures(onTap: ((Offset) -> Unit)? = null): Unit = TODO()

suspend fun PointerInputScope.detectDragGestures(
    onDragStart: (Offset) -> Unit = {}, onDrag: (change: PointerInputChange, dragAmount: Offset) -> Unit,
): Unit = TODO()
