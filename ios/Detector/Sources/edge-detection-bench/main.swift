// Measures pre- and postprocessing in Swift and prints the thread's median milliseconds of processor time per frame as one
// line of JSON. ios/bench.py runs it and compares it with Python.

import EdgeDetection
import Foundation

struct Times: Encodable {
    let preprocess: Double
    let postprocess: Double
    /// Preprocessing of YUV frames of full range and of video range.
    let yuv: Double
    let yuvVideo: Double
}

/// Milliseconds of processor time that this thread spends on `work`.
func milliseconds(_ work: () throws -> Void) rethrows -> Double {
    let start = threadSeconds()
    try work()
    return 1000 * (threadSeconds() - start)
}

func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func median(_ values: some Sequence<Double>) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

/// The first `bytes` as a camera gives them: luma, then U and V in turns.
func yuvFrame(_ bytes: Data, _ width: Int, _ height: Int, isFullRange: Bool) throws -> Frame {
    let chroma = Data(bytes.dropFirst(width * height))
    return try Frame(
        .yuv420(
            luma: Plane(bytes.prefix(width * height), bytesPerRow: width), chroma: Plane(chroma, bytesPerRow: width),
            YUVColor(matrix: .bt709, isFullRange: isFullRange)),
        width: width, height: height)
}

func main(_ arguments: [String]) throws {
    guard arguments.count == 6, let width = Int(arguments[3]), let height = Int(arguments[4]), let count = Int(arguments[5])
    else {
        FileHandle.standardError.write(Data("usage: edge-detection-bench MODEL RGB_FILE WIDTH HEIGHT FRAMES\n".utf8))
        exit(2)
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: arguments[2]))
    let frames = [
        try Frame(.rgb(Plane(bytes, bytesPerRow: 3 * width)), width: width, height: height),
        try yuvFrame(bytes, width, height, isFullRange: true),
        try yuvFrame(bytes, width, height, isFullRange: false),
    ]
    var options = DetectorOptions()
    options.accelerators = [.cpu]
    let model = try Detector(path: arguments[1], options: options).description
    let raw = try TensorFlowLiteEngine(path: arguments[1], threads: 1).invoke(model.input(for: frames[0]))
    let size = ImageSize(width: width, height: height)
    var kept = 0
    var times: [[Double]] = [[], [], [], []]
    for _ in 0..<count + 3 {
        for (kind, frame) in frames.enumerated() {
            times[kind].append(milliseconds { kept += model.input(for: frame).count })
        }
        times[3].append(milliseconds { kept += model.detections(in: raw, size: size, scoreThreshold: 0.3).count })
    }
    guard kept > 0 else { return }
    // The first frames warm up caches.
    let medians = times.map { median($0.dropFirst(3)) }
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let result = Times(preprocess: medians[0], postprocess: medians[3], yuv: medians[1], yuvVideo: medians[2])
    print(String(decoding: try encoder.encode(result), as: UTF8.self))
}

do {
    try main(CommandLine.arguments)
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
