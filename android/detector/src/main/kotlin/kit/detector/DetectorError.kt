package kit.detector

/** Everything that can go wrong, with what was wrong, where, and what to do. */
sealed class DetectorError(message: String) : Exception(message) {
    /** There is no file at [path], or it cannot be read. */
    class Unreadable(val path: String, val reason: String) : DetectorError("$path: cannot be read: $reason")

    /** The file is no .tflite at all. */
    class NotTFLite(val path: String) :
        DetectorError("$path: not a .tflite file (a .tflite has TFL3 at its bytes 4 to 7)")

    /** The file is a .tflite that is damaged or cut short. */
    class Damaged(val path: String, val reason: String) :
        DetectorError("$path: damaged or cut short ($reason); get the file again")

    /** The file is a whole .tflite, but no detector. */
    class NotADetector(val path: String, val reason: String) : DetectorError("$path: not a detector: $reason")

    /** A detector that this engine cannot run, or whose metadata asks for what it cannot do. */
    class Unsupported(val path: String, val reason: String) : DetectorError("$path: $reason")

    /** Neither the file nor the caller says what the classes are called. */
    class NoLabels(val path: String) : DetectorError(
        "$path: holds no class names: it has no metadata with a label file; give labels, or convert it with the kit",
    )

    /** A label list that cannot be used. */
    class BadLabels(val source: String, val reason: String) : DetectorError("$source: $reason")

    /** A frame that is no picture: no pixels, or fewer bytes than its size needs. */
    class BadFrame(val reason: String) : DetectorError("not a picture: $reason")

    /** The engine failed while it loaded or ran the model. */
    class EngineFailed(val reason: String) : DetectorError("TensorFlow Lite failed: $reason")
}
