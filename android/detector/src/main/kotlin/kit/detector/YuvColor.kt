package kit.detector

/**
 * The color encoding of YUV pixels. The default, BT.601 in full range as in JPEG, is that of Android's cameras.
 *
 * [isFullRange] is true for luma from 0 to 255, false for luma from 16 to 235 (video range).
 */
public data class YuvColor(val matrix: Matrix = Matrix.BT601, val isFullRange: Boolean = true) {
    /** The luma coefficients Kr ([red]) and Kb ([blue]) of ITU-R BT.601 and BT.709. */
    public enum class Matrix(internal val red: Double, internal val blue: Double) {
        BT601(0.299, 0.114), BT709(0.2126, 0.0722)
    }
}
