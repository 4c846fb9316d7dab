package kit.detector

/** The errors of this library. The message says what is wrong, where, and what to do about it. */
sealed class DetectorError(message: String) : Exception(message) {
    /** The file at [path] does not exist or cannot be read. */
    class Unreadable(val path: String, val reason: String) : DetectorError("$path: cannot be read: $reason")

    /** The file is not a .tflite file. */
    class NotTFLite(val path: String) :
        DetectorError("$path: not a .tflite file (a .tflite has TFL3 at its bytes 4 to 7)")

    /** The .tflite file is damaged or truncated. */
    class Damaged(val path: String, val reason: String) :
        DetectorError("$path: damaged or truncated ($reason); get the file again")

    /** The file is a valid .tflite, but not a detector. */
    class NotADetector(val path: String, val reason: String) : DetectorError("$path: not a detector: $reason")

    /** The file is a detector that uses a feature which is not supported. */
    class Unsupported(val path: String, val reason: String) : DetectorError("$path: $reason")

    /** Class names are neither in the file nor given by the caller. */
    class NoLabels(val path: String) : DetectorError(
        "$path: holds no class names: it has no metadata with a label file; give labels, or convert it with the kit",
    )

    /** The label list is not valid. */
    class BadLabels(val source: String, val reason: String) : DetectorError("$source: $reason")

    /** The frame is not a valid image: it has no pixels, or fewer bytes than its size needs. */
    class BadFrame(val reason: String) : DetectorError("not a valid image: $reason")

    /** The engine failed to load or run the model. */
    class EngineFailed(val reason: String) : DetectorError("TensorFlow Lite failed: $reason")
}
