package kit.app.logic

/**
 * Which frames of a video are shown, and the times that the detector is given.
 *
 * The video plays as fast as it was taken; where detection is slower than that, frames between are left out. [duration] is
 * in seconds. Not thread-safe.
 */
class VideoTimeline(val duration: Double, framesPerSecond: Double?) {
    private val step = 1 / (framesPerSecond?.takeIf { it in 1.0..MOST_RATE } ?: USUAL_RATE)
    private var passed = 0.0
    private var started: Double? = null
    private var startPosition = 0.0

    /** The position of the frame that is shown, in seconds; null before the first. */
    var position: Double? = null
        private set

    /** The time of that frame for the detector, in seconds: later than all before, also after the video has started again. */
    val timestamp: Double get() = passed + (position ?: 0.0)

    /** 0..1 */
    val progress: Float get() = if (duration > 0) ((position ?: 0.0) / duration).coerceIn(0.0, 1.0).toFloat() else 0f

    /** The position of the frame to show at [clock], in seconds of any steady clock; null at the end. */
    fun next(clock: Double): Double? {
        val last = position
        val start = started
        val wanted = when {
            last == null -> 0.0
            start == null -> last + step
            else -> maxOf(last + step, startPosition + clock - start)
        }
        if (start == null) {
            started = clock
            startPosition = wanted
        }
        // The last frame begins one step before the end.
        if (last != null && wanted > duration - step / 2) return null
        position = wanted
        return wanted
    }

    /** How many seconds too early it is at [clock] for the frame after the one that is shown. */
    fun wait(clock: Double): Double {
        val start = started ?: return 0.0
        return maxOf(0.0, (position ?: 0.0) + step - (startPosition + clock - start))
    }

    fun pause() {
        started = null
    }

    /** Starts again with the first frame. */
    fun rewind() {
        passed = timestamp + step
        position = null
        started = null
    }

    private companion object {
        const val USUAL_RATE = 30.0
        const val MOST_RATE = 240.0
    }
}
