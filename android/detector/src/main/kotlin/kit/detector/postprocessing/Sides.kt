package kit.detector.postprocessing

/** A box as ymin, xmin, ymax, xmax relative to the image; the values may lie outside 0..1 or not be numbers. */
internal class Sides(val ymin: Float, val xmin: Float, val ymax: Float, val xmax: Float) {
    private val area: Float = (ymax - ymin) * (xmax - xmin)

    val isFinite: Boolean get() = ymin.isFinite() && xmin.isFinite() && ymax.isFinite() && xmax.isFinite()

    /** Whether all sides are the very same. */
    fun equalTo(other: Sides): Boolean =
        ymin == other.ymin && xmin == other.xmin && ymax == other.ymax && xmax == other.xmax

    /** Whether the intersection over union is above [iou]; false for boxes without area. */
    fun overlaps(other: Sides, iou: Float): Boolean {
        if (!(area > 0) || !(other.area > 0)) return false
        val height = maxOf(minOf(ymax, other.ymax) - maxOf(ymin, other.ymin), 0f)
        val width = maxOf(minOf(xmax, other.xmax) - maxOf(xmin, other.xmin), 0f)
        val shared = height * width
        return shared / (other.area + area - shared) > iou
    }
}
