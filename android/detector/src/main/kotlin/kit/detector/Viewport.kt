package kit.detector

/**
 * Maps boxes from an image to a view that the image fills (aspect fill): scaled with its aspect ratio kept, centered
 * and cropped.
 *
 * Image sizes and view sizes are in pixels. [isMirrored] tells whether the view is flipped horizontally, as for a
 * front camera.
 */
public class Viewport(
    private val imageWidth: Int,
    imageHeight: Int,
    viewWidth: Double,
    viewHeight: Double,
    private val isMirrored: Boolean = false,
) {
    private val scale = maxOf(viewWidth / maxOf(imageWidth, 1), viewHeight / maxOf(imageHeight, 1))
    private val left = (viewWidth - imageWidth * scale) / 2
    private val top = (viewHeight - imageHeight * scale) / 2

    /** Converts a box from pixels of the image to pixels of the view. */
    public fun toView(box: Box): Box {
        val from = if (isMirrored) imageWidth - box.xmax else box.xmin
        val to = if (isMirrored) imageWidth - box.xmin else box.xmax
        return Box(left + from * scale, top + box.ymin * scale, left + to * scale, top + box.ymax * scale)
    }

    /** Converts a point from pixels of the view to x and y in pixels of the image, which may lie outside of it. */
    public fun toImage(x: Double, y: Double): Pair<Double, Double> {
        val across = (x - left) / scale
        return (if (isMirrored) imageWidth - across else across) to (y - top) / scale
    }
}

/** The hue of a class's color, in 0..1; saturation is 0.85 and value 0.95. The same as in Python (`runtime`). */
public fun classHue(classId: Int): Double {
    // Golden ratio steps around the color wheel give neighboring classes distinct hues.
    val hue = 0.33 + classId * 0.618034
    return hue - Math.floor(hue)
}
