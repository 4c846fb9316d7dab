package androidx.compose.ui.text

import androidx.compose.runtime.Composable
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.unit.IntSize
import androidx.compose.ui.unit.TextUnit

class TextStyle(val color: Color = TODO(), val fontSize: TextUnit = TODO())

class TextLayoutResult(val size: IntSize)

class TextMeasurer {
    fun measure(text: String, style: TextStyle = TODO(), softWrap: Boolean = true, maxLines: Int = Int.MAX_VALUE): TextLayoutResult =
        TODO("$text $style $softWrap $maxLines")
}

@Composable
fun rememberTextMeasurer(cacheSize: Int = 8): TextMeasurer = TODO("$cacheSize")

fun DrawScope.drawText(textLayoutResult: TextLayoutResult, color: Color = TODO(), topLeft: Offset = TODO()): Unit =
    TODO("$textLayoutResult $color $topLeft")
