package kit.detector

/**
 * How luma and chroma of a camera stand for colours. Android's cameras give BT.601 in full range, as JPEG
 * has it, unless they say otherwise.
 *
 * [isFullRange] is false for luma from 16 to 235, true for 0 to 255.
 */
data class YuvColor(val matrix: Matrix = Matrix.BT601, val isFullRange: Boolean = true) {
    /** Kr and Kb of the recommendations ITU-R BT.601 and BT.709. */
    enum class Matrix(internal val red: Double, internal val blue: Double) {
        BT601(0.299, 0.114), BT709(0.2126, 0.0722)
    }

    internal val conversion: YuvConversion = if (isFullRange) FullRangeConversion(this) else VideoRangeConversion(this)
}
