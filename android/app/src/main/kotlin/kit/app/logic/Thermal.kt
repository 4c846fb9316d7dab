package kit.app.logic

/**
 * What the heat of the phone asks for. The numbers are those of `PowerManager.THERMAL_STATUS_*`:
 * https://developer.android.com/reference/android/os/PowerManager#THERMAL_STATUS_SEVERE
 */
enum class Heat(private val status: Int, val secondsPerFrame: Double) {
    NORMAL(0, 0.0),

    /** "Severe throttling where UX is largely impacted": five frames a second. */
    SEVERE(3, 0.2),

    /** "Platform has done everything to reduce power": one frame a second. */
    CRITICAL(4, 1.0);

    companion object {
        fun of(status: Int): Heat = entries.last { status >= it.status || it == NORMAL }
    }
}

/** Lets frames pass at the rate that the heat allows. */
class FrameRate {
    private var last = Double.NEGATIVE_INFINITY

    /** Whether the frame at [time], in seconds, is analyzed. */
    fun accepts(time: Double, heat: Heat): Boolean {
        // A time before the last one is that of another clock.
        if (time >= last && time - last < heat.secondsPerFrame) return false
        last = time
        return true
    }
}

/** How the speed holds: the frames a second and the time of the model in the first [WINDOW] seconds and in the last ones. */
class SustainedSpeed {
    /** [milliseconds] is the median time for a frame. */
    data class Speed(val framesPerSecond: Double, val milliseconds: Double)

    private class Sample(val time: Double, val milliseconds: Double)

    private val first = mutableListOf<Sample>()
    private val latest = ArrayDeque<Sample>()

    /** The speed in the first [WINDOW] seconds; null until they are over. */
    var atFirst: Speed? = null
        private set

    /** Adds the frame at [time], in seconds, which took [milliseconds]. */
    fun add(time: Double, milliseconds: Double) {
        if (latest.isNotEmpty() && time < latest.last().time) clear()
        val sample = Sample(time, milliseconds)
        latest += sample
        while (latest.first().time < time - WINDOW) latest.removeFirst()
        if (atFirst != null) return
        first += sample
        if (time - first.first().time >= WINDOW) {
            atFirst = speed(first)
            first.clear()
        }
    }

    /** The speed in the last [WINDOW] seconds; null for fewer than two frames. */
    fun now(): Speed? = speed(latest)

    fun clear() {
        first.clear()
        latest.clear()
        atFirst = null
    }

    private fun speed(samples: List<Sample>): Speed? {
        val seconds = if (samples.isEmpty()) 0.0 else samples.last().time - samples.first().time
        if (seconds <= 0) return null
        return Speed((samples.size - 1) / seconds, samples.map { it.milliseconds }.sorted()[samples.size / 2])
    }

    companion object {
        const val WINDOW = 30.0
    }
}
