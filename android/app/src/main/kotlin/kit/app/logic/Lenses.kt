package kit.app.logic

import kotlin.math.abs

/**
 * A camera as CameraX describes it: [index] in its list, [zoom] its focal length relative to the default camera
 * (`CameraInfo.getIntrinsicZoomRatio`), [least] and [most] its own zoom ratios.
 */
data class CameraFacts(val index: Int, val isFront: Boolean, val zoom: Double, val least: Double, val most: Double)

/** A lens to choose: camera [camera] set to its own zoom ratio [zoomRatio]; [factor] is what users know it by, as in 0.5 x. */
data class Lens(val camera: Int, val zoomRatio: Double, val factor: Double)

/**
 * The wide, normal and tele lenses that can be reached on one side, sorted by [Lens.factor].
 *
 * Most phones have one logical camera for all lenses, which changes between them by its zoom ratio; others list each lens
 * as a camera of its own.
 */
fun lenses(cameras: List<CameraFacts>, isFront: Boolean): List<Lens> {
    val side = cameras.filter { it.isFront == isFront }
    val main = side.minByOrNull { abs(it.zoom - 1) } ?: return emptyList()
    val found = mutableListOf(Lens(main.index, 1.0, main.zoom))
    fun add(lens: Lens) {
        if (found.none { abs(it.factor / lens.factor - 1) < SAME }) found += lens
    }
    if (main.least < 1) add(Lens(main.index, main.least, main.zoom * main.least))
    for (camera in side) add(Lens(camera.index, 1.0, camera.zoom))
    // A ratio of 2 takes the tele lens where the camera has one, and else crops.
    if (main.most >= TELE && found.none { it.factor > 1 + SAME }) add(Lens(main.index, TELE, main.zoom * TELE))
    return found.sortedBy { it.factor }
}

private const val SAME = 0.1
private const val TELE = 2.0
