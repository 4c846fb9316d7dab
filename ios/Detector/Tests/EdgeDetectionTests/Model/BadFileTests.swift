import XCTest

@testable import EdgeDetection

/// Files that are damaged, incomplete or not detectors give a typed error.
final class BadFileTests: XCTestCase {
    private static let golden = (try? Data(contentsOf: URL(fileURLWithPath: Golden.path("detector_int8.tflite")))) ?? Data()

    private func written(_ data: Data) throws -> String {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".tflite")
        try data.write(to: url)
        addTeardownBlock { try? FileManager.default.removeItem(at: url) }
        return url.path
    }

    private func error(_ path: String, labels: Labels? = nil) -> DetectorError? {
        do throws(DetectorError) {
            _ = try Detector(path: path, options: .cpu(labels: labels))
            return nil
        } catch {
            return error
        }
    }

    private func error(_ data: Data, labels: Labels? = nil) throws -> DetectorError? {
        error(try written(data), labels: labels)
    }

    /// The golden file with the first occurrence of `old` replaced by `new`, which has the same length.
    private func patched(_ old: [UInt8], _ new: [UInt8]) throws -> Data {
        var data = BadFileTests.golden
        let range = try XCTUnwrap(data.range(of: Data(old)))
        data.replaceSubrange(range, with: new)
        return data
    }

    private func withoutMetadata() throws -> Data {
        try patched(Array("TFLITE_METADATA".utf8), Array("TFLITE_METAFATA".utf8))
    }

    func testMissingFile() {
        guard case .unreadable(_, let reason) = error("/nowhere/model.tflite") else { return XCTFail() }
        XCTAssertEqual(reason, "there is no such file")
    }

    func testOtherFileTypes() throws {
        for data in [Data(), Data([1, 2, 3]), Data("GIF89a and so on".utf8), Data(count: 4096)] {
            guard case .notTFLite = try error(data) else { return XCTFail("\(data)") }
        }
    }

    func testTruncatedFile() throws {
        for length in [8, 100, 1000, 1_000_000, 3_700_000] {
            guard case .damaged = try error(BadFileTests.golden.prefix(length)) else { return XCTFail("\(length)") }
        }
    }

    func testFileWithoutItsArchive() throws {
        // The FlatBuffer is complete, the archive after it is not.
        guard case .damaged(_, let reason) = try error(BadFileTests.golden.dropLast(60)) else { return XCTFail() }
        XCTAssert(reason.contains("labels.txt"), reason)
    }

    func testClassifier() throws {
        // Changes the lists of four outputs, of the graph and of its last operator, to lists of one.
        let outputs = try Model.read(Golden.path("detector_int8.tflite")).outputs
        let listed: [UInt8] = outputs.flatMap { (output: Int) -> [UInt8] in [UInt8(output & 255), UInt8(output >> 8), 0, 0] }
        var data = BadFileTests.golden
        while let range = data.range(of: Data([4, 0, 0, 0] as [UInt8] + listed)) {
            data[range.lowerBound] = 1
        }
        guard case .notADetector(_, let reason) = try error(data) else { return XCTFail() }
        XCTAssert(reason.contains("a detector has four"), reason)
    }

    func testFileWithoutMetadataNeedsLabels() async throws {
        let path = try written(withoutMetadata())
        guard case .noLabels = error(path) else { return XCTFail() }
        let given = Labels(["a", "b", "c", "d"])
        let detector = try Detector(path: path, options: .cpu(labels: given))
        let golden = try Golden.read()
        let image = try XCTUnwrap(golden.images.first)
        let detections = try await detector.detect(Golden.frame(image)).detections
        let model = try XCTUnwrap(golden.models.first { $0.file == "detector_int8.tflite" })
        XCTAssertEqual(detections.map(\.classID), model.results[0].detections.filter { $0.score >= 0.5 }.map(\.class))
        XCTAssertEqual(detections.map(\.label), detections.map { given[$0.classID] })
        XCTAssertFalse(detections.isEmpty)
    }

    func testWrongChecksum() throws {
        let data = try patched(Array("ring\nsquare".utf8), Array("rung\nsquare".utf8))
        guard case .damaged(_, let reason) = try error(data) else { return XCTFail() }
        XCTAssert(reason.contains("checksum"), reason)
    }

    func testErrorMessages() {
        let all: [DetectorError] = [
            .unreadable(path: "f", reason: "r"), .notTFLite(path: "f"), .damaged(path: "f", reason: "r"),
            .notADetector(path: "f", reason: "r"), .unsupported(path: "f", reason: "r"), .noLabels(path: "f"),
            .badLabels(source: "f", reason: "r"),
        ]
        for error in all {
            XCTAssert(error.localizedDescription.hasPrefix("f: "), error.localizedDescription)
        }
        XCTAssert("\(DetectorError.noLabels(path: "f"))".contains("give labels"))
    }

    func testFiveHundredMutatedFilesDoNotCrash() throws {
        let bytes = [UInt8](BadFileTests.golden)
        // Most of the file is weights, which are not parsed; the structure is in these regions.
        let named = try XCTUnwrap(BadFileTests.golden.range(of: Data("TFLite_Detection_PostProcess".utf8))).lowerBound
        let regions = [0..<3000, named - 14_000..<named + 18_000, bytes.count - 1200..<bytes.count]
        var random = XorShift(state: 1)
        var rejected = 0
        for round in 0..<500 {
            var mutated = bytes
            for _ in 0..<(1 + random.below(8)) {
                let region = regions[random.below(3)]
                mutated[region.lowerBound + random.below(region.count)] = UInt8(random.below(256))
            }
            if round % 10 == 0 {
                mutated.removeLast(random.below(mutated.count))
            }
            do throws(DetectorError) {
                _ = try ModelFile(Model(Bytes(all: mutated, path: "mutated")))
            } catch {
                XCTAssertFalse(error.description.isEmpty)
                rejected += 1
            }
        }
        XCTAssertGreaterThan(rejected, 100, "mutations must reach the parsed parts")
        XCTAssertLessThan(rejected, 500)
    }
}

/// Marsaglia's xorshift, for reproducible mutations.
private struct XorShift {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(limit))
    }
}
