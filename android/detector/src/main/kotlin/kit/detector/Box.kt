package kit.detector

/** A rectangle in pixels of the upright picture it was found in; (0, 0) is the top left corner. */
data class Box(val xmin: Double, val ymin: Double, val xmax: Double, val ymax: Double) {
    val width: Double get() = xmax - xmin
    val height: Double get() = ymax - ymin

    /** Square pixels; 0 where the box is empty or turned inside out. */
    val area: Double get() = maxOf(width, 0.0) * maxOf(height, 0.0)

    internal companion object {
        /** [sides] are left, top, right and bottom in 0..1; a box turned inside out becomes an empty one. */
        fun relative(sides: FloatArray, width: Int, height: Int): Box {
            val left = sides[0].toDouble() * width
            val top = sides[1].toDouble() * height
            return Box(left, top, maxOf(sides[2].toDouble() * width, left), maxOf(sides[3].toDouble() * height, top))
        }
    }
}
