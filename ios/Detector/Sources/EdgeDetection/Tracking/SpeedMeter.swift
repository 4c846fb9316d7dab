/// The speed of a detector over time: at first, when the phone is cool, and lately.
public struct SpeedMeter: Sendable {
    /// Frames that a figure is made of.
    public static let window = 60

    private var first: [Double] = []
    private var latest: [Double] = []
    private var times: [Double] = []

    public init() {}

    /// Adds the result of a frame that is shown now.
    public mutating func add(_ result: DetectionResult) {
        add(result, at: monotonicSeconds())
    }

    /// `time` is in seconds.
    mutating func add(_ result: DetectionResult, at time: Double) {
        if first.count < SpeedMeter.window {
            first.append(result.inferenceTime)
        }
        latest = (latest + [result.inferenceTime]).suffix(SpeedMeter.window)
        times = (times + [time]).suffix(SpeedMeter.window)
    }

    /// Nil before the second frame.
    public var framesPerSecond: Double? {
        guard let start = times.first, let end = times.last, end > start else { return nil }
        return Double(times.count - 1) / (end - start)
    }

    /// The median milliseconds of the first frames; nil before the first.
    public var firstMilliseconds: Double? { SpeedMeter.median(first) }
    /// The median milliseconds of the latest frames; nil before the first.
    public var latestMilliseconds: Double? { SpeedMeter.median(latest) }

    private static func median(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
}

/// How warm the device is, with the numbers of `ProcessInfo.ThermalState`.
public enum ThermalLevel: Int, CaseIterable, Sendable {
    case nominal, fair, serious, critical

    /// The least seconds between frames that the detector is given, so that the device can cool down before the system
    /// slows it down by more.
    public var frameInterval: Double {
        switch self {
        case .nominal, .fair: 0
        case .serious: 0.1
        case .critical: 0.5
        }
    }
}
