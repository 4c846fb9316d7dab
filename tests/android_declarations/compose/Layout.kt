package androidx.compose.foundation.layout

import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.Dp

interface BoxScope {
    fun Modifier.align(alignment: Alignment): Modifier
}

interface ColumnScope
interface RowScope

object Arrangement {
    interface Horizontal
    interface Vertical
    interface HorizontalOrVertical : Horizontal, Vertical

    val Top: Vertical get() = TODO()
    val Start: Horizontal get() = TODO()
    val SpaceBetween: HorizontalOrVertical get() = TODO()

    fun spacedBy(space: Dp): HorizontalOrVertical = TODO("$space")

    fun spacedBy(space: Dp, alignment: Alignment.Vertical): Vertical = TODO("$space $alignment")
}

fun Modifier.fillMaxSize(fraction: Float = 1f): Modifier = TODO("$fraction")

fun Modifier.fillMaxWidth(fraction: Float = 1f): Modifier = TODO("$fraction")

fun Modifier.padding(all: Dp): Modifier = TODO("$all")

fun Modifier.safeDrawingPadding(): Modifier = TODO()

@Composable
fun Box(modifier: Modifier = Modifier, content: @Composable BoxScope.() -> Unit): Unit = TODO("$modifier $content")

@Composable
fun Column(
    modifier: Modifier = Modifier, verticalArrangement: Arrangement.Vertical = Arrangement.Top,
    horizontalAlignment: Alignment.Horizontal = TODO(), content: @Composable ColumnScope.() -> Unit,
): Unit = TODO("$modifier $verticalArrangement $horizontalAlignment $content")

@Composable
fun Row(
    modifier: Modifier = Modifier, horizontalArrangement: Arrangement.Horizontal = Arrangement.Start,
    verticalAlignment: Alignment.Vertical = TODO(), content: @Composable RowScope.() -> Unit,
): Unit = TODO("$modifier $horizontalArrangement $verticalAlignment $content")
