import XCTest

@testable import EdgeDetection

/// Tests with models and images that are not in the repository. `tests/ios/test_swift.py` writes them, and the expected
/// results in `cases.json`, to the folder in the environment variable KIT_SWIFT_CASES.
final class ThirdPartyTests: XCTestCase {
    private struct Case: Decodable {
        let file: String
        let image: String
        let width: Int
        let height: Int
        let name: String
        let score: Double
        let scores: [String: Double]?
        let defaultScore: Double
        let allLabels: Bool
        let agnosticIou: Double?
        let boxTolerance: Double
        let scoreTolerance: Double
        let inputSha256: String
        let detections: [Golden.ExpectedDetection]
    }

    private func folder() throws -> URL {
        guard let path = ProcessInfo.processInfo.environment["KIT_SWIFT_CASES"] else {
            throw XCTSkip("KIT_SWIFT_CASES is not set; run tests/ios/test_swift.py")
        }
        return URL(fileURLWithPath: path)
    }

    private func cases(_ folder: URL) throws -> [Case] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode([Case].self, from: Data(contentsOf: folder.appendingPathComponent("cases.json")))
    }

    func testRawHeadsAndThirdPartyDetectorsAgreeWithPython() async throws {
        let folder = try folder()
        for testCase in try cases(folder) {
            var options = DetectorOptions.cpu(scoreThreshold: testCase.score)
            options.scoreThresholds = testCase.scores ?? [:]
            options.allLabels = testCase.allLabels
            options.agnosticIou = testCase.agnosticIou
            let detector = try Detector(path: folder.appendingPathComponent(testCase.file).path, options: options)
            let rgb = try Data(contentsOf: folder.appendingPathComponent(testCase.image))
            let plane = Plane(rgb, bytesPerRow: 3 * testCase.width)
            let frame = try Frame(.rgb(plane), width: testCase.width, height: testCase.height)
            XCTAssertEqual(sha256(detector.description.preprocessor(frame)), testCase.inputSha256, testCase.name)
            let result = try await detector.detect(frame)
            assertSame(
                result.detections, testCase.detections, box: testCase.boxTolerance, score: testCase.scoreTolerance,
                testCase.name)
        }
    }

    private struct Decoding: Decodable {
        let name: String
        let type: String
        let head: [UInt8]
        let codes: [Float]
        let logits: [Float]
        let scales: [Float]
        let zeroPoints: [Int]
        let found: [[Double]]
    }

    func testRawOutputsOfAllTypesAndVersionsAreDecodedAsInPython() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let data = try Data(contentsOf: folder().appendingPathComponent("decodings.json"))
        for testCase in try decoder.decode([Decoding].self, from: data) {
            var reader = try RawHead(Bytes(all: testCase.head, path: testCase.name)).decoder
            let type = try XCTUnwrap(TensorType(rawValue: testCase.type))
            let raw = [testCase.codes, testCase.logits].enumerated().map { index, values in
                let port = TensorPort(
                    name: "", shape: [values.count], type: type, scale: testCase.scales[index],
                    zeroPoint: testCase.zeroPoints[index])
                let bytes = values.flatMap { value in
                    type == .float32
                        ? withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
                        : [UInt8(truncatingIfNeeded: Int(value))]
                }
                return Tensor(port: port, bytes: bytes)
            }
            let found = reader.decode(raw, minScore: 0)
            XCTAssertEqual(found.map { Double($0.classID) }, testCase.found.map { $0[0] }, testCase.name)
            for (one, other) in zip(found, testCase.found) {
                let numbers = [one.score, one.sides.ymin, one.sides.xmin, one.sides.ymax, one.sides.xmax]
                for (number, expected) in zip(numbers, other.dropFirst()) {
                    XCTAssertEqual(Double(number), expected, accuracy: 1e-6 * max(1, abs(expected)), testCase.name)
                }
            }
        }
    }

    func testThresholdInTheFileIsTheDefaultInFourOutputFilesAndRawHeads() async throws {
        let folder = try folder()
        var others: Set<String> = []
        for testCase in try cases(folder) {
            let path = folder.appendingPathComponent(testCase.file).path
            XCTAssertEqual(try ModelFile(path: path).defaultScore, testCase.defaultScore, testCase.file)
            if testCase.defaultScore != 0.5, others.insert(testCase.file).inserted {
                let score = await (try Detector(path: path, options: .cpu())).scoreThreshold
                XCTAssertEqual(score, testCase.defaultScore, testCase.file)
            }
        }
        XCTAssert(others.isSuperset(of: ["small_int8.tflite", "small_int8_raw.tflite"]), "\(others)")
    }

    func testFileThatNeedsTensorFlow() throws {
        let folder = try folder()
        // The detector whose post-processing is a custom operator; its name comes after the tensors' names.
        var data = try Data(contentsOf: folder.appendingPathComponent("small_int8.tflite"))
        let range = try XCTUnwrap(data.range(of: Data("TFLite_Detection_PostProcess".utf8), options: .backwards))
        data.replaceSubrange(range, with: Data("FlexDetection_PostProcessing".utf8))
        XCTAssertThrowsError(try ModelFile(Model(Bytes(all: [UInt8](data), path: "flex")))) { error in
            guard case DetectorError.unsupported(_, let reason) = error else { return XCTFail("\(error)") }
            XCTAssert(reason.contains("FlexDetection"), reason)
        }
    }

    func testClassifiersAreRejected() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder().appendingPathComponent("classifiers").path)
        XCTAssertFalse(names.isEmpty)
        for name in names {
            let path = try folder().appendingPathComponent("classifiers").appendingPathComponent(name).path
            XCTAssertThrowsError(try Detector(path: path, options: .cpu(labels: Labels(["a"])))) { error in
                guard case DetectorError.notADetector = error else { return XCTFail("\(name): \(error)") }
            }
        }
    }
}
