import Foundation

/// Everything that can go wrong, with what was wrong, where, and what to do.
public enum DetectorError: Error, Equatable, Sendable {
    /// There is no file at `path`, or it cannot be read.
    case unreadable(path: String, reason: String)
    /// The file is no .tflite at all.
    case notTFLite(path: String)
    /// The file is a .tflite that is damaged or cut short.
    case damaged(path: String, reason: String)
    /// The file is a whole .tflite, but no detector.
    case notADetector(path: String, reason: String)
    /// A detector that this engine cannot run, or whose metadata asks for what it cannot do.
    case unsupported(path: String, reason: String)
    /// Neither the file nor the caller says what the classes are called.
    case noLabels(path: String)
    /// A label list that cannot be used.
    case badLabels(source: String, reason: String)
    /// A frame that is no image: no pixels, or fewer bytes than its size needs.
    case badFrame(reason: String)
    /// The engine failed while it loaded or ran the model.
    case engine(reason: String)
}

extension DetectorError: LocalizedError, CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "\(path): cannot be read: \(reason)"
        case .notTFLite(let path):
            "\(path): not a .tflite file (a .tflite has TFL3 at its bytes 4 to 7)"
        case .damaged(let path, let reason):
            "\(path): damaged or cut short (\(reason)); get the file again"
        case .notADetector(let path, let reason):
            "\(path): not a detector: \(reason)"
        case .unsupported(let path, let reason):
            "\(path): \(reason)"
        case .noLabels(let path):
            "\(path): holds no class names: it has no metadata with a label file; give labels, or convert it with the kit"
        case .badLabels(let source, let reason):
            "\(source): \(reason)"
        case .badFrame(let reason):
            "not an image: \(reason)"
        case .engine(let reason):
            "TensorFlow Lite failed: \(reason)"
        }
    }

    public var errorDescription: String? { description }
}
