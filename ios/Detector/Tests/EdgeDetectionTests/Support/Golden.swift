import Foundation
import XCTest

@testable import EdgeDetection

/// `tests/golden/golden.json`; its README says what each key means.
struct Golden: Decodable {
    let score: Double
    let boxTolerance: Double
    let scoreTolerance: Double
    let int8BoxTolerance: Double
    let int8ScoreTolerance: Double
    let images: [Image]
    let models: [Model]
    let resize: [Resize]
    let yuv: [YUV]

    private enum CodingKeys: String, CodingKey {
        case score, boxTolerance, scoreTolerance, int8BoxTolerance, int8ScoreTolerance
        case images = "pictures"
        case models, resize, yuv
    }

    struct Image: Decodable {
        let file: String
        let width: Int
        let height: Int
        let rgbSha256: String
    }

    struct Model: Decodable {
        let file: String
        let labels: [String]
        let input: Input
        let results: [Result]

        /// Whether all but the post-processing is in integers, so that engines agree on it to the bit.
        var isInt8: Bool { input.type != "float32" }
    }

    struct Input: Decodable {
        let name: String
        let type: String
        let shape: [Int]
    }

    struct Result: Decodable {
        let image: String
        let inputSha256: String
        let raw: Raw
        let detections: [ExpectedDetection]

        private enum CodingKeys: String, CodingKey {
            case image = "picture"
            case inputSha256, raw, detections
        }
    }

    struct Raw: Decodable {
        let order: [String]?
        let count: Int?
        let boxes: [[Float]]?
        let classes: [Float]?
        let scores: [Float]?
        let sha256: [String]?
    }

    struct ExpectedDetection: Decodable {
        let label: String
        let `class`: Int
        let score: Double
        let box: [Double]
    }

    struct Resize: Decodable {
        let seed: UInt32
        let width: Int
        let height: Int
        let toWidth: Int
        let toHeight: Int
        let sha256: String
    }

    struct YUV: Decodable {
        let seed: UInt32
        let width: Int
        let height: Int
        let matrix: String
        let fullRange: Bool
        let sha256: String
    }

    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("tests/golden")

    static func read() throws -> Golden {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Golden.self, from: Data(contentsOf: folder.appendingPathComponent("golden.json")))
    }

    static func path(_ name: String) -> String {
        folder.appendingPathComponent(name).path
    }

    /// The RGB bytes of a binary PPM, whose header is three lines.
    static func rgb(_ name: String) throws -> Data {
        let data = try Data(contentsOf: folder.appendingPathComponent(name))
        var start = data.startIndex
        for _ in 0..<3 {
            start = try XCTUnwrap(data[start...].firstIndex(of: UInt8(ascii: "\n"))) + 1
        }
        return Data(data[start...])
    }

    static func frame(_ image: Image) throws -> Frame {
        try Frame(.rgb(Plane(rgb(image.file), bytesPerRow: 3 * image.width)), width: image.width, height: image.height)
    }

    /// Byte i of `noise(seed, n)` of tests/golden/README.md.
    static func noise(_ seed: UInt32, _ count: Int) -> Data {
        Data((0..<UInt32(count)).map { index in
            var mixed = (index &+ 65537 &* seed) &* 2_654_435_761
            mixed ^= mixed >> 15
            mixed = mixed &* 2_246_822_519
            return UInt8(mixed >> 24)
        })
    }
}

/// Compares labels, classes and their order exactly, boxes within `box` pixels, and scores within `score`.
func assertSame(
    _ actual: [Detection], _ expected: [Golden.ExpectedDetection], box: Double, score: Double, _ message: String,
    file: StaticString = #filePath, line: UInt = #line
) {
    XCTAssertEqual(actual.map(\.label), expected.map(\.label), message, file: file, line: line)
    XCTAssertEqual(actual.map(\.classID), expected.map(\.class), message, file: file, line: line)
    for (one, other) in zip(actual, expected) {
        XCTAssertEqual(one.score, other.score, accuracy: score, message, file: file, line: line)
        for (here, there) in zip([one.box.xmin, one.box.ymin, one.box.xmax, one.box.ymax], other.box) {
            XCTAssertEqual(here, there, accuracy: box + 1e-9, message, file: file, line: line)
        }
    }
}
