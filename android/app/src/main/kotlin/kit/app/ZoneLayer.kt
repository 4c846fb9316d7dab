package kit.app

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.gestures.detectDragGestures
import androidx.compose.foundation.gestures.detectTapGestures
import androidx.compose.foundation.layout.Row
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.Path
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.graphics.drawscope.Stroke
import androidx.compose.ui.input.pointer.pointerInput
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.dp
import kit.app.logic.ZoneEditor
import kit.detector.Box
import kit.detector.DetectionResult
import kit.detector.ImageSize
import kit.detector.Viewport
import kit.detector.tracking.Zone

/** Draws the zones over the image of [result]; while they are edited, taps add corners, and a finger moves what it touches. */
@Composable
fun ZoneLayer(result: DetectionResult, state: ScreenState, session: DetectionSession, modifier: Modifier = Modifier) {
    val image = result.imageSize
    val isMirrored = state.isMirrored
    val description = stringResource(R.string.zones_description, state.zones.zones.size)
    val touched = if (!state.isEditing) modifier else modifier.pointerInput(image, isMirrored) {
        detectTapGestures { at ->
            val plane = TouchPlane(image, isMirrored, Size(size.width.toFloat(), size.height.toFloat()))
            session.editZones { it.tap(plane.point(at), plane.reach(this)) }
        }
    }.pointerInput(image, isMirrored) {
        var grip: ZoneEditor.Grip? = null
        var plane = TouchPlane(image, isMirrored, Size(1f, 1f))
        detectDragGestures(
            onDragStart = { at ->
                plane = TouchPlane(image, isMirrored, Size(size.width.toFloat(), size.height.toFloat()))
                grip = session.state.value.zones.grip(plane.point(at), plane.reach(this))
            },
        ) { change, amount ->
            change.consume()
            val from = plane.point(Offset(0f, 0f))
            val to = plane.point(amount)
            grip?.let { held -> session.editZones { it.move(held, to.x - from.x, to.y - from.y) } }
        }
    }
    Canvas(touched.semantics { contentDescription = description }) {
        val plane = TouchPlane(image, isMirrored, size)
        for (zone in state.zones.zones) draw(zone.points, plane, isClosed = true)
        draw(state.zones.open, plane, isClosed = false)
    }
}

/** Between pixels of the view, [view] in size, and points relative to the image. */
private class TouchPlane(private val image: ImageSize, isMirrored: Boolean, view: Size) {
    private val port = Viewport(image.width, image.height, view.width.toDouble(), view.height.toDouble(), isMirrored)

    fun point(at: Offset): Zone.Point {
        val (x, y) = port.toImage(at.x.toDouble(), at.y.toDouble())
        return Zone.Point(x / image.width, y / image.height)
    }

    fun offset(point: Zone.Point): Offset {
        val at = port.toView(Box(point.x * image.width, point.y * image.height, point.x * image.width, point.y * image.height))
        return Offset(at.xmin.toFloat(), at.ymin.toFloat())
    }

    /** How near a finger must come to a corner: half of the 48 dp that a target should have. */
    fun reach(density: Density): Double {
        val pixels = with(density) { 24.dp.toPx() }
        return point(Offset(0f, pixels)).y - point(Offset(0f, 0f)).y
    }
}

private fun DrawScope.draw(points: List<Zone.Point>, plane: TouchPlane, isClosed: Boolean) {
    if (points.isEmpty()) return
    val path = Path()
    for ((index, point) in points.withIndex()) {
        val at = plane.offset(point)
        if (index == 0) path.moveTo(at.x, at.y) else path.lineTo(at.x, at.y)
        drawCircle(Color.White, 6.dp.toPx(), at)
    }
    if (isClosed) path.close()
    // White on black stands out from any image.
    drawPath(path, Color.Black, style = Stroke(5.dp.toPx()))
    drawPath(path, Color.White, style = Stroke(2.dp.toPx()))
}

/** What stands in each zone, by class; while zones are edited, also what to do and how to delete them. */
@Composable
fun Zones(state: ScreenState, session: DetectionSession) {
    val style = MaterialTheme.typography.bodySmall
    if (state.isEditing) {
        Text(stringResource(R.string.zones_help), style = style)
        if (state.zones.open.isNotEmpty()) {
            Row {
                TextButton({ session.editZones { it.undo() } }) { Text(stringResource(R.string.zones_undo)) }
                TextButton({ session.editZones { it.close() } }) { Text(stringResource(R.string.zones_close)) }
            }
        }
    }
    for (zone in state.zones.zones) {
        val counts = state.result?.let(zone::countByLabel).orEmpty()
        val words = counts.entries.joinToString { "${it.value} ${it.key}" }
        Row(verticalAlignment = Alignment.CenterVertically) {
            Text(stringResource(R.string.zone_count, zone.name, counts.values.sum(), words), style = style)
            if (state.isEditing) {
                TextButton({ session.editZones { it.remove(zone.name) } }) { Text(stringResource(R.string.zone_delete, zone.name)) }
            }
        }
    }
}
