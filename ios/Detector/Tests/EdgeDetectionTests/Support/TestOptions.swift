@testable import EdgeDetection

extension DetectorOptions {
    /// The CPU only, whose results are those of the golden files.
    static func cpu(scoreThreshold: Double? = nil, labels: Labels? = nil) -> DetectorOptions {
        var options = DetectorOptions(scoreThreshold: scoreThreshold)
        options.accelerators = [.cpu]
        options.labels = labels
        return options
    }
}
