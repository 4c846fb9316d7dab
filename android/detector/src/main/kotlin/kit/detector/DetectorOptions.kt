package kit.detector

/** How a detector is used; the names and their meaning are those of MediaPipe's tasks. */
public enum class RunningMode {
    /** Images that have nothing to do with each other. */
    IMAGE,

    /** The frames of a video, each with a later time than the one before. */
    VIDEO,

    /** Frames of a camera: those that arrive while one is processed are dropped, and results go to a listener. */
    LIVE_STREAM,
}

/**
 * The options of a [Detector].
 *
 * The constructor throws [DetectorError.BadOptions] where a value is out of its range, both lists are given, or
 * [RunningMode.LIVE_STREAM] has no [resultListener].
 *
 * @property maxResults the most detections that are returned for a frame, those with the highest scores; null for all.
 * @property scoreThreshold the lowest score, in 0..1, of detections that are returned; null for the threshold in the
 *   model's file.
 * @property categoryAllowlist the labels that are returned; empty for all. Not together with [categoryDenylist].
 * @property categoryDenylist the labels that are not returned.
 * @property runningMode how frames are passed to the detector.
 * @property allLabels whether all labels are returned that the model found in one place, each with the very same box. By
 *   default only the one with the highest score is.
 * @property agnosticIou of two boxes whose intersection over union (0..1) is above it, whatever their classes, only the
 *   one with the higher score is returned; null, the default, lets boxes of two classes overlap.
 * @property resultListener receives the results in [RunningMode.LIVE_STREAM], on the detector's thread.
 * @property errorListener receives the errors in [RunningMode.LIVE_STREAM], on the detector's thread.
 */
public data class DetectorOptions(
    val maxResults: Int? = null,
    val scoreThreshold: Double? = null,
    val categoryAllowlist: Set<String> = emptySet(),
    val categoryDenylist: Set<String> = emptySet(),
    val runningMode: RunningMode = RunningMode.IMAGE,
    val allLabels: Boolean = false,
    val agnosticIou: Double? = null,
    val resultListener: ((DetectionResult) -> Unit)? = null,
    val errorListener: ((DetectorError) -> Unit)? = null,
) {
    init {
        if (maxResults != null && maxResults < 1) throw DetectorError.BadOptions("maxResults is $maxResults; give 1 or more, or null for all")
        checkShare("scoreThreshold", scoreThreshold)
        checkShare("agnosticIou", agnosticIou)
        if (categoryAllowlist.isNotEmpty() && categoryDenylist.isNotEmpty()) {
            throw DetectorError.BadOptions("categoryAllowlist and categoryDenylist are both given; give one of them")
        }
        if (runningMode == RunningMode.LIVE_STREAM && resultListener == null) {
            throw DetectorError.BadOptions("runningMode LIVE_STREAM needs a resultListener")
        }
    }

    /** Which class ids are returned. Throws [DetectorError.BadOptions] where a list names a label that is not in [labels]. */
    internal fun categories(labels: Labels): (Int) -> Boolean {
        val known = labels.names.toSet()
        (categoryAllowlist + categoryDenylist).firstOrNull { it !in known }?.let { unknown ->
            val some = labels.names.take(SHOWN).joinToString() + if (labels.size > SHOWN) ", ..." else ""
            throw DetectorError.BadOptions("the model has no class '$unknown'; it has $some")
        }
        return { classId ->
            val label = labels[classId]
            label !in categoryDenylist && (categoryAllowlist.isEmpty() || label in categoryAllowlist)
        }
    }

    private fun checkShare(name: String, value: Double?) {
        // Written so that NaN is refused.
        if (value != null && !(value in 0.0..1.0)) throw DetectorError.BadOptions("$name is $value; give a number from 0 to 1")
    }

    private companion object {
        const val SHOWN = 10
    }
}
