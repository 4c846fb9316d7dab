@file:Suppress("UNUSED_PARAMETER", "unused", "FunctionName", "UNUSED_TYPEALIAS")

package androidx.compose.ui.graphics.drawscope

import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.Path
import androidx.compose.ui.unit.Density

sealed class DrawStyle

object Fill : DrawStyle()

class Stroke(val width: Float) : DrawStyle()

interface DrawScope : Density {
    val size: Size

    fun drawRect(color: Color, topLeft: Offset, size: Size, alpha: Float = 1f, style: DrawStyle = Fill)
    fun drawPath(path: Path, color: Color, alpha: Float = 1f, style: DrawStyle = Fill)
    fun drawCircle(color: Color, radius: Float, center: Offset)
}
