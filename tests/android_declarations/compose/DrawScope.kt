package androidx.compose.ui.graphics.drawscope

import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.unit.Density

sealed class DrawStyle

class Stroke(val width: Float) : DrawStyle()

object Fill : DrawStyle()

interface DrawScope : Density {
    val size: Size

    fun drawRect(color: Color, topLeft: Offset = TODO(), size: Size = TODO(), alpha: Float = 1f, style: DrawStyle = Fill)
}
