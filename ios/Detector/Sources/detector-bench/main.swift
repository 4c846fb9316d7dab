// Measures pre- and postprocessing in Swift and prints median milliseconds per frame as one line of JSON.
// ios/bench.py runs it and compares it with Python.

import Detector
import Foundation

struct Times: Encodable {
    let preprocess: Double
    let postprocess: Double
    let yuv: Double
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

func main(_ arguments: [String]) async throws {
    guard arguments.count == 6, let width = Int(arguments[3]), let height = Int(arguments[4]), let count = Int(arguments[5])
    else {
        FileHandle.standardError.write(Data("usage: detector-bench MODEL RGB_FILE WIDTH HEIGHT FRAMES\n".utf8))
        exit(2)
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: arguments[2]))
    let frames = [
        try Frame(.rgb(Plane(bytes, bytesPerRow: 3 * width)), width: width, height: height),
        // The first bytes as a camera gives them: luma, then U and V in transform.
        try Frame(
            .yuv420(
                luma: Plane(bytes.prefix(width * height), bytesPerRow: width),
                chroma: Plane(Data(bytes.dropFirst(width * height)), bytesPerRow: width),
                YUVColor(matrix: .bt709, isFullRange: true)),
            width: width, height: height),
    ]
    let detector = try Detector(path: arguments[1], score: 0.3, accelerators: [.cpu])
    var timings: [[Timings]] = [[], []]
    for _ in 0..<count + 3 {
        for (kind, frame) in frames.enumerated() {
            timings[kind].append(try await detector.detect(frame).timings)
        }
    }
    let (rgb, yuv) = (timings[0].dropFirst(3), timings[1].dropFirst(3))
    let times = Times(
        preprocess: median(rgb.map(\.preprocess)), postprocess: median(rgb.map(\.postprocess)),
        yuv: median(yuv.map(\.preprocess)))
    print(String(decoding: try JSONEncoder().encode(times), as: UTF8.self))
}

do {
    try await main(CommandLine.arguments)
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
