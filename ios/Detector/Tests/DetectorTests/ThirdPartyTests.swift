import XCTest

@testable import Detector

/// Tests with models and images that are not in the repository. `tests/ios/test_swift.py` writes them, and the expected
/// results in `cases.json`, to the folder in the environment variable KIT_SWIFT_CASES.
final class ThirdPartyTests: XCTestCase {
    private struct Case: Decodable {
        let file: String
        let image: String
        let width: Int
        let height: Int
        let score: Double
        let inputSha256: String
        let detections: [Golden.ExpectedDetection]
    }

    private func folder() throws -> URL {
        guard let path = ProcessInfo.processInfo.environment["KIT_SWIFT_CASES"] else {
            throw XCTSkip("KIT_SWIFT_CASES is not set; run tests/ios/test_swift.py")
        }
        return URL(fileURLWithPath: path)
    }

    func testThirdPartyDetectorsAgreeWithPython() async throws {
        let folder = try folder()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let cases = try decoder.decode([Case].self, from: Data(contentsOf: folder.appendingPathComponent("cases.json")))
        let golden = try Golden.read()
        for (file, cases) in Dictionary(grouping: cases, by: \.file) {
            let path = folder.appendingPathComponent(file).path
            let detector = try Detector(path: path, score: cases[0].score, accelerators: [.cpu])
            for testCase in cases {
                let rgb = try Data(contentsOf: folder.appendingPathComponent(testCase.image))
                let plane = Plane(rgb, bytesPerRow: 3 * testCase.width)
                let frame = try Frame(.rgb(plane), width: testCase.width, height: testCase.height)
                let message = "\(file), \(testCase.image)"
                XCTAssertEqual(sha256(detector.description.preprocessor(frame)), testCase.inputSha256, message)
                let result = try await detector.detect(frame)
                assertSame(result.detections, testCase.detections, golden, exact: true, message)
            }
        }
    }

    func testClassifiersAreRejected() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder().appendingPathComponent("classifiers").path)
        XCTAssertFalse(names.isEmpty)
        for name in names {
            let path = try folder().appendingPathComponent("classifiers").appendingPathComponent(name).path
            XCTAssertThrowsError(try Detector(path: path, labels: Labels(["a"]), accelerators: [.cpu])) { error in
                guard case DetectorError.notADetector = error else { return XCTFail("\(name): \(error)") }
            }
        }
    }
}
