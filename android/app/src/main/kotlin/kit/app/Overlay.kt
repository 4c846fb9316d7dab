package kit.app

import androidx.compose.foundation.Canvas
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.graphics.drawscope.Stroke
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextMeasurer
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.drawText
import androidx.compose.ui.text.rememberTextMeasurer
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.sp
import kit.detector.Box
import kit.detector.Detection
import kit.detector.DetectionResult
import kit.detector.Viewport
import kit.detector.classHue

/** Draws boxes, labels and scores over the camera preview. */
@Composable
fun Overlay(result: DetectionResult, isMirrored: Boolean, modifier: Modifier = Modifier) {
    val measurer = rememberTextMeasurer()
    val names = result.detections.joinToString { it.label }
    Canvas(modifier.semantics { contentDescription = names }) {
        val view = Viewport(result.imageSize.width, result.imageSize.height, size.width.toDouble(), size.height.toDouble(), isMirrored)
        // Detections are sorted by falling score; the best one is drawn last, on top.
        for (detection in result.detections.asReversed()) draw(detection, view.toView(detection.box), measurer)
    }
}

private fun DrawScope.draw(detection: Detection, box: Box, measurer: TextMeasurer) {
    val color = Color.hsv((360 * classHue(detection.classId)).toFloat(), 0.85f, 0.95f)
    val corner = Offset(box.xmin.toFloat(), box.ymin.toFloat())
    drawRect(color, corner, Size(box.width.toFloat(), box.height.toFloat()), style = Stroke(3.dp.toPx()))
    val text = measurer.measure(caption(detection), TextStyle(Color.Black, 12.sp), maxLines = 1)
    val height = text.size.height.toFloat()
    // Above the box if there is room, otherwise inside it.
    val top = if (corner.y >= height) corner.y - height else corner.y
    drawRect(color, Offset(corner.x, top), Size(text.size.width + 6.dp.toPx(), height))
    drawText(text, topLeft = Offset(corner.x + 3.dp.toPx(), top))
}
