package kit.detector

/** The errors of this library. The message says what is wrong, where, and what to do about it. */
public sealed class DetectorError(message: String) : Exception(message) {
    /** The file at [path] does not exist or cannot be read. */
    public class Unreadable(public val path: String, public val reason: String) : DetectorError("$path: cannot be read: $reason")

    /** The file is not a .tflite file. */
    public class NotTFLite(public val path: String) :
        DetectorError("$path: not a .tflite file (a .tflite has TFL3 at its bytes 4 to 7)")

    /** The .tflite file is damaged or truncated. */
    public class Damaged(public val path: String, public val reason: String) :
        DetectorError("$path: damaged or truncated ($reason); get the file again")

    /** The file is a valid .tflite, but not a detector. */
    public class NotADetector(public val path: String, public val reason: String) : DetectorError("$path: not a detector: $reason")

    /** The file is a detector that uses a feature which is not supported. */
    public class Unsupported(public val path: String, public val reason: String) : DetectorError("$path: $reason")

    /** Class names are neither in the file nor given by the caller. */
    public class NoLabels(public val path: String) : DetectorError(
        "$path: holds no class names: it has no metadata with a label file; give labels, or convert it with the kit",
    )

    /** The label list is not valid. */
    public class BadLabels(public val source: String, public val reason: String) : DetectorError("$source: $reason")

    /** An option of the detector is not valid. */
    public class BadOptions(public val reason: String) : DetectorError("not valid options: $reason")

    /** The frame is not a valid image: it has no pixels, or fewer bytes than its size needs. */
    public class BadFrame(public val reason: String) : DetectorError("not a valid image: $reason")

    /** The engine failed to load or run the model. */
    public class EngineFailed(public val reason: String) : DetectorError("the engine failed: $reason")
}
