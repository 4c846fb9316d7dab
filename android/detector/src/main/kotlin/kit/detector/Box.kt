package kit.detector

/**
 * A box as xmin, ymin, xmax, ymax in pixels of the upright image; (0, 0) is the top left corner of the image.
 */
public data class Box(val xmin: Double, val ymin: Double, val xmax: Double, val ymax: Double) {
    /** The width in pixels; negative for an inverted box. */
    public val width: Double get() = xmax - xmin
    /** The height in pixels; negative for an inverted box. */
    public val height: Double get() = ymax - ymin

    /** Area in square pixels; 0 if the box is empty or inverted. */
    public val area: Double get() = maxOf(width, 0.0) * maxOf(height, 0.0)

    internal companion object {
        /** A box from [sides]: left, top, right, bottom in 0..1. An inverted box becomes an empty one. */
        fun relative(sides: FloatArray, width: Int, height: Int): Box {
            val left = sides[0].toDouble() * width
            val top = sides[1].toDouble() * height
            return Box(left, top, maxOf(sides[2].toDouble() * width, left), maxOf(sides[3].toDouble() * height, top))
        }
    }
}
