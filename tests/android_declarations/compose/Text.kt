@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.ui.text

import androidx.compose.runtime.Composable
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.unit.IntSize
import androidx.compose.ui.unit.TextUnit

class TextStyle(color: Color, fontSize: TextUnit)

class TextLayoutResult(val size: IntSize)

class TextMeasurer {
    fun measure(text: String, style: TextStyle, maxLines: Int): TextLayoutResult = TODO()
}

@Composable
fun rememberTextMeasurer(): TextMeasurer = TODO()

fun DrawScope.drawText(text: TextLayoutResult, topLeft: Offset): Unit = TODO()
