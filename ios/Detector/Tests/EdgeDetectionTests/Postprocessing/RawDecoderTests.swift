import XCTest

@testable import EdgeDetection

final class RawDecoderTests: XCTestCase {
    private func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian, Array.init)
    }

    private func little(_ numbers: [Float]) -> [UInt8] {
        numbers.flatMap { little($0.bitPattern) }
    }

    /// A raw head with three anchors of a quarter of the image, the first two identical, and two classes after background.
    private func file(
        identifier: String = "RAWH", version: UInt32 = 2, count: UInt32 = 3, detections: UInt32 = 10, score: Float = 0.1,
        iou: Float = 0.5, candidates: UInt32 = 100, bins: UInt32 = 8, points: UInt32 = 1, activation: UInt32 = 0
    ) -> Bytes {
        var bytes = Array(identifier.utf8) + little(version) + little(count) + little(UInt32(2)) + little(UInt32(1))
        bytes += little(detections) + little([score, iou, 10, 10, 5, 5])
        bytes += version > 1 ? little(candidates) : []
        bytes += version > 2 ? little(bins) + little(points) + little(activation) : []
        bytes += little([0.25, 0.25, 0.5, 0.5, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 0.5, 0.5])
        return Bytes(all: bytes, path: "raw_head.bin")
    }

    private func floats(_ values: [Float], _ shape: [Int]) -> Tensor {
        Tensor(port: TensorPort(name: "", shape: shape, type: .float32), bytes: little(values))
    }

    private let zeroCode: [Float] = [0, 0, 0, 0]
    private let labels = Labels(["a", "b"])

    private func decode(_ codes: [Float], _ logits: [Float], _ file: Bytes, minScore: Double = 0) throws -> [Detection] {
        var decoder = Postprocessor(reader: try RawHead(file).decoder, labels: labels)
        return decoder([floats(codes, [1, 3, 4]), floats(logits, [1, 3, 3])], width: 100, height: 200, ScoreThresholds(minScore))
    }

    private func decoded(_ logits: [Float], _ file: Bytes) throws -> [DecodedObject] {
        var decoder = try RawHead(file).decoder
        return decoder.decode([floats(zeroCode + zeroCode + zeroCode, [1, 3, 4]), floats(logits, [1, 3, 3])], minScore: 0)
    }

    func testAnAnchorIsFoundOnceForEachClassAndSuppressionIsWithinTheClass() throws {
        // The second anchor's box is that of the first; background is never a class.
        let logits: [Float] = [9, 2, 1, 9, 0, 1.5, 9, -1, -9]
        let both = try decoded(logits, file())
        XCTAssertEqual(both.map(\.classID), [0, 1, 0])
        XCTAssertEqual(both[1].score, 1 / (1 + exp(-1.5)), accuracy: 1e-6)
        XCTAssertEqual(both[0].sides, both[1].sides)
        XCTAssertEqual(both[0].sides, Sides(ymin: 0, xmin: 0, ymax: 0.5, xmax: 0.5))
        XCTAssertEqual(try decode(zeroCode + zeroCode + zeroCode, logits, file()).map(\.classID), [0, 0])
    }

    func testOnlyTheHighestLogitsAreCandidates() throws {
        // Equal ones in the order of anchors, then classes: the second candidate is anchor 1, class 0.
        let logits: [Float] = [9, 1, 2, 9, 2, 2, 9, 2, -9]
        XCTAssertEqual(try decoded(logits, file(candidates: 1)).map(\.classID), [1])
        XCTAssertEqual(try decoded(logits, file(candidates: 2)).map(\.classID), [1, 0])
        XCTAssertEqual(try decoded(logits, file(candidates: 2))[1].sides.ymin, 0)
        XCTAssertEqual(try decoded(logits, file(candidates: .max)).count, 3)
        XCTAssertEqual(try decoded(logits, file(detections: 2)).count, 2)
    }

    func testBestClassOfEachAnchorInVersion1() throws {
        // Background is never a class. The second anchor's box is that of the first, with a lower score.
        let logits: [Float] = [9, 2, 1, 9, 0, 1.5, 9, -1, 0]
        let detections = try decode(zeroCode + zeroCode + zeroCode, logits, file(version: 1))
        XCTAssertEqual(detections.map(\.label), ["a", "b"])
        XCTAssertEqual(detections[0].score, 1 / (1 + exp(-2)), accuracy: 1e-6)
        XCTAssertEqual(detections[1].score, 0.5, accuracy: 1e-6)
        XCTAssertEqual(detections[0].box, Box(xmin: 0, ymin: 0, xmax: 50, ymax: 100))
        XCTAssertEqual(detections[1].box, Box(xmin: 50, ymin: 100, xmax: 100, ymax: 200))
    }

    func testCodesMoveAndScaleTheAnchor() throws {
        // ty = 10 moves by the anchor's height, th = 5 * ln 2 doubles it; it is clipped to the image.
        let moved: [Float] = [5, 0, 5 * log(2), 0]
        let detections = try decode(moved + zeroCode + zeroCode, [0, 3, 0, 0, -9, -9, 0, -9, -9], file())
        XCTAssertEqual(detections.count, 1)
        XCTAssertEqual(detections[0].box.ymin, 0, accuracy: 1e-4)
        XCTAssertEqual(detections[0].box.ymax, 200, accuracy: 1e-4)
        XCTAssertEqual(detections[0].box.xmax, 50, accuracy: 1e-4)
    }

    func testVersion3SaysHowBoxCodesAreMade() throws {
        XCTAssertEqual(try RawHead(file()).codeSize, 4)
        XCTAssertEqual(try RawHead(file(version: 3)).codeSize, 32)
        XCTAssertEqual(try RawHead(file(version: 3, bins: 0, points: 0)).codeSize, 4)
    }

    func testSidesOfDistributionsAreLeftTopRightBottom() throws {
        // Nearly all of the weight is in one bin: 3 to the left, 2 up, 1 to the right, none down.
        var codes = [Float](repeating: -50, count: 96)
        for index in [3, 8 + 2, 16 + 1, 24] {
            codes[index] = 200
        }
        let logits = floats([9, 2, -9, 9, -9, -9, 9, -9, -9], [1, 3, 3])
        var decoder = try RawHead(file(version: 3)).decoder
        let found = decoder.decode([floats(codes, [1, 3, 32]), logits], minScore: 0)
        // The first anchor is a point at 0.25, 0.25 with a stride of 0.5.
        XCTAssertEqual(found.map(\.sides), [Sides(ymin: -0.75, xmin: -1.25, ymax: 0.25, xmax: 0.75)])
        XCTAssertEqual(decoder.decode([floats(zeroCode, [1, 1, 4]), logits], minScore: 0).count, 0)
    }

    func testThresholdsOfTheFileAndTheCaller() throws {
        let logits: [Float] = [0, 2, -9, 0, -9, -9, 0, -1, -9]
        let codes = zeroCode + zeroCode + zeroCode
        for version: UInt32 in [1, 2] {
            XCTAssertEqual(try decode(codes, logits, file(version: version), minScore: 0.5).count, 1)
            XCTAssertEqual(try decode(codes, logits, file(version: version, score: 0.5)).count, 1)
            XCTAssertEqual(try decode(codes, logits, file(version: version, detections: 1)).count, 1)
            XCTAssertEqual(try decode(codes, logits, file(version: version)).count, 2)
            XCTAssertEqual(try decode(codes, logits, file(version: version), minScore: 1).count, 0)
        }
    }

    func testQuantizedScoresAreMultiplesOfOne256thInVersion1Only() throws {
        let codes = Tensor(
            port: TensorPort(name: "", shape: [1, 3, 4], type: .int8, scale: 0.1, zeroPoint: 3),
            bytes: [UInt8](repeating: 3, count: 12))
        for (type, zeroPoint) in [(TensorType.int8, -4), (.uint8, 124)] {
            let port = TensorPort(name: "", shape: [1, 3, 3], type: type, scale: 0.5, zeroPoint: zeroPoint)
            let stored = [0, 4, 0, 0, -90, -90, 0, 2, 40].map { UInt8(truncatingIfNeeded: zeroPoint + $0) }
            let raw = [codes, Tensor(port: port, bytes: stored)]
            var second = Postprocessor(reader: try RawHead(file()).decoder, labels: labels)
            let detections = second(raw, width: 100, height: 200, ScoreThresholds(0.6))
            // 20, 2 and 1; the last has the very box of the first and a lower score.
            XCTAssertEqual(detections.map(\.score), [20, 2].map { Double(RawOutput.sigmoid($0)) })
            XCTAssertEqual(detections.map(\.label), ["b", "a"])
            var first = Postprocessor(reader: try RawHead(file(version: 1)).decoder, labels: labels)
            let rounded = first(raw, width: 100, height: 200, ScoreThresholds(0))
            // 256 / (1 + exp(-20)) rounds to 256, which 8 bits don't hold; 256 / (1 + exp(-2)) to 225.
            XCTAssertEqual(rounded.map(\.score), [255.0 / 256, 225.0 / 256])
            XCTAssertEqual(rounded.map(\.label), ["b", "a"])
            XCTAssertEqual(rounded[1].box, Box(xmin: 0, ymin: 0, xmax: 50, ymax: 100))
        }
    }

    func testNaNIsDropped() throws {
        let logits: [Float] = [0, .nan, -9, 0, -9, -9, 0, 2, -9]
        for version: UInt32 in [1, 2] {
            let file = file(version: version)
            XCTAssertEqual(try decode([0, 0, .infinity, 0] + zeroCode + zeroCode, logits, file).count, 1)
            XCTAssertEqual(try decode(zeroCode + zeroCode + [0, 0, 1e30, 0], logits, file).count, 0)
        }
    }

    func testOutputsOfOtherSizesGiveNoDetections() throws {
        var decoder = Postprocessor(reader: try RawHead(file()).decoder, labels: labels)
        XCTAssertEqual(decoder([floats(zeroCode, [1, 1, 4]), floats([0], [1, 1])], width: 1, height: 1, ScoreThresholds(0)), [])
        XCTAssertEqual(decoder([], width: 1, height: 1, ScoreThresholds(0)), [])
    }

    func testDamagedFilesAreRejected() {
        let bad = [
            file(identifier: "RAWX"), file(count: 4), file(count: .max), file(detections: 0), file(score: 2),
            file(score: .nan), file(iou: 0), file(candidates: 0), Bytes(all: [], path: "raw_head.bin"),
            Bytes(all: Array(file().all.prefix(20)), path: "raw_head.bin"), file(version: 3, bins: 0),
            file(version: 3, bins: 1), file(version: 3, bins: 257), file(version: 3, points: 0), file(version: 3, points: 2),
        ]
        for bytes in bad {
            XCTAssertThrowsError(try RawHead(bytes)) { error in
                guard case DetectorError.damaged = error else { return XCTFail("\(error)") }
            }
        }
        // Version 0 and 4 with the bytes of the nearest layout, and another activation than the sigmoid.
        for bytes in [file(version: 0), file(version: 4), file(version: 3, activation: 1)] {
            XCTAssertThrowsError(try RawHead(bytes)) { error in
                guard case DetectorError.unsupported = error else { return XCTFail("\(error)") }
            }
        }
    }
}
