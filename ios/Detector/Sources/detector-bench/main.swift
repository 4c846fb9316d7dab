// What Swift takes for a frame before and after the model, as one line of JSON in milliseconds.
// Called by ios/bench.py, which has Python do the same.

import Detector
import Foundation

struct Times: Encodable {
    let preprocess: Double
    let postprocess: Double
    let detections: Int
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
    let frame = try Frame(.rgb(Plane(bytes, bytesPerRow: 3 * width)), width: width, height: height)
    let detector = try Detector(path: arguments[1], score: 0.3, accelerators: [.cpu])
    var timings: [Timings] = []
    var detections = 0
    for _ in 0..<count + 3 {
        let found = try await detector.detect(frame)
        detections = found.detections.count
        timings.append(found.timings)
    }
    let measured = timings.dropFirst(3)
    let times = Times(
        preprocess: median(measured.map(\.preprocess)), postprocess: median(measured.map(\.postprocess)),
        detections: detections)
    print(String(decoding: try JSONEncoder().encode(times), as: UTF8.self))
}

do {
    try await main(CommandLine.arguments)
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
