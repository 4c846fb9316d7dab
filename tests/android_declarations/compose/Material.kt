package androidx.compose.material3

import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.RowScope
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.Shape
import androidx.compose.ui.text.TextStyle

class ColorScheme(val surface: Color, val error: Color)

class Shapes(val large: Shape)

class Typography(val bodySmall: TextStyle)

object MaterialTheme {
    val colorScheme: ColorScheme @Composable get() = TODO()
    val shapes: Shapes @Composable get() = TODO()
    val typography: Typography @Composable get() = TODO()
}

@Composable
fun MaterialTheme(content: @Composable () -> Unit): Unit = TODO("$content")

@Composable
fun Surface(modifier: Modifier = Modifier, shape: Shape = TODO(), color: Color = TODO(), content: @Composable () -> Unit): Unit =
    TODO("$modifier $shape $color $content")

@Composable
fun Text(text: String, modifier: Modifier = Modifier, color: Color = TODO(), style: TextStyle = TODO()): Unit =
    TODO("$text $modifier $color $style")

@Composable
fun Button(onClick: () -> Unit, modifier: Modifier = Modifier, content: @Composable RowScope.() -> Unit): Unit =
    TODO("$onClick $modifier $content")

@Composable
fun TextButton(onClick: () -> Unit, modifier: Modifier = Modifier, content: @Composable RowScope.() -> Unit): Unit =
    TODO("$onClick $modifier $content")

@Composable
fun Slider(
    value: Float, onValueChange: (Float) -> Unit, modifier: Modifier = Modifier, enabled: Boolean = true,
    valueRange: ClosedFloatingPointRange<Float> = 0f..1f,
): Unit = TODO("$value $onValueChange $modifier $enabled $valueRange")

@Composable
fun DropdownMenu(
    expanded: Boolean, onDismissRequest: () -> Unit, modifier: Modifier = Modifier, content: @Composable ColumnScope.() -> Unit,
): Unit = TODO("$expanded $onDismissRequest $modifier $content")

@Composable
fun DropdownMenuItem(text: @Composable () -> Unit, onClick: () -> Unit, modifier: Modifier = Modifier): Unit =
    TODO("$text $onClick $modifier")
