import Foundation

/// The errors of this package. The description says what is wrong, where, and what to do about it.
public enum DetectorError: Error, Equatable, Sendable {
    /// The file at `path` does not exist or cannot be read.
    case unreadable(path: String, reason: String)
    /// The file is not a .tflite file.
    case notTFLite(path: String)
    /// The .tflite file is damaged or truncated.
    case damaged(path: String, reason: String)
    /// The file is a valid .tflite, but not a detector.
    case notADetector(path: String, reason: String)
    /// The file is a detector that uses a feature which is not supported.
    case unsupported(path: String, reason: String)
    /// Class names are neither in the file nor given by the caller.
    case noLabels(path: String)
    /// The label list is not valid.
    case badLabels(source: String, reason: String)
    /// The frame is not a valid image: it has no pixels, or fewer bytes than its size needs.
    case badFrame(reason: String)
    /// An option has a value that is not valid, or names a class that the model does not have.
    case badOptions(reason: String)
    /// The engine failed to load or run the model.
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
            "\(path): damaged or truncated (\(reason)); get the file again"
        case .notADetector(let path, let reason):
            "\(path): not a detector: \(reason)"
        case .unsupported(let path, let reason):
            "\(path): \(reason)"
        case .noLabels(let path):
            "\(path): holds no class names: it has no metadata with a label file; give labels, or convert it with the kit"
        case .badLabels(let source, let reason):
            "\(source): \(reason)"
        case .badFrame(let reason):
            "not a valid image: \(reason)"
        case .badOptions(let reason):
            "not a valid option: \(reason)"
        case .engine(let reason):
            "the model could not be run: \(reason)"
        }
    }

    public var errorDescription: String? { description }
}
