package kit.detector

/**
 * Where a picture lies in a view that it fills: scaled with its aspect kept, centred, and cut off where it is too long.
 *
 * [isMirrored]: whether the view shows left and right exchanged, as for a front camera.
 */
class Viewport(
    private val pictureWidth: Int,
    pictureHeight: Int,
    viewWidth: Double,
    viewHeight: Double,
    private val isMirrored: Boolean = false,
) {
    private val scale = maxOf(viewWidth / maxOf(pictureWidth, 1), viewHeight / maxOf(pictureHeight, 1))
    private val left = (viewWidth - pictureWidth * scale) / 2
    private val top = (viewHeight - pictureHeight * scale) / 2

    /** A box in pixels of the picture, in those of the view. */
    fun place(box: Box): Box {
        val from = if (isMirrored) pictureWidth - box.xmax else box.xmin
        val to = if (isMirrored) pictureWidth - box.xmin else box.xmax
        return Box(left + from * scale, top + box.ymin * scale, left + to * scale, top + box.ymax * scale)
    }
}

/** The hue of a class's colour in 0..1, always the same; saturation is 0.85 and value 0.95, as in Python. */
fun classHue(classId: Int): Double {
    // Steps of the golden ratio around the colour wheel keep neighbouring classes apart.
    val turned = 0.33 + classId * 0.618034
    return turned - Math.floor(turned)
}
