import XCTest

@testable import EdgeDetection

final class FourOutputsTests: XCTestCase {
    private let boxes: [Float] = [0.1, 0.2, 0.5, 0.6, 0, 0, 1, 1, -0.2, 0.5, 0.4, 1.3]
    private let classes: [Float] = [1, 0, 2]
    private let scores: [Float] = [0.9, 0.75, 0.25]

    private func tensor(_ values: [Float], _ shape: [Int]) -> Tensor {
        let bytes = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
        return Tensor(port: TensorPort(name: "", shape: shape, type: .float32), bytes: bytes)
    }

    private func raw(_ boxes: [Float], _ classes: [Float], _ scores: [Float], _ count: Float) -> [Tensor] {
        let slots = scores.count
        return [
            tensor(boxes, [1, slots, 4]), tensor(classes, [1, slots]), tensor(scores, [1, slots]), tensor([count], [1]),
        ]
    }

    private func read(_ raw: [Tensor], minScore: Double = 0.5) throws -> [Detection] {
        let model = try Model.read(Golden.path("detector_int8.tflite"))
        let outputs = try FourOutputs(model, nil, shapes: raw.map(\.port.shape))
        var postprocessor = Postprocessor(reader: outputs, labels: Labels(["a", "b", "c"]))
        return postprocessor(raw, width: 200, height: 100, ScoreThresholds(minScore))
    }

    func testBoxesAreInPixelsAndClippedToTheImage() throws {
        let detections = try read(raw(boxes, classes, scores, 3), minScore: 0.2)
        XCTAssertEqual(detections.map(\.label), ["b", "a", "c"])
        XCTAssertEqual(detections[1].box, Box(xmin: 0, ymin: 0, xmax: 200, ymax: 100))
        XCTAssertEqual(detections[2].box.ymin, 0)
        XCTAssertEqual(detections[2].box.xmax, 200)
        XCTAssertEqual(detections[0].box.xmin, 40, accuracy: 1e-4)
        XCTAssertEqual(detections[0].box.ymin, 10, accuracy: 1e-4)
    }

    func testOnlyCountedDetectionsAboveTheThresholdAreReturned() throws {
        XCTAssertEqual(try read(raw(boxes, classes, scores, 3)).count, 2)
        XCTAssertEqual(try read(raw(boxes, classes, scores, 1)).count, 1)
        for count: Float in [0, -5, .nan] {
            XCTAssertEqual(try read(raw(boxes, classes, scores, count)).count, 0)
        }
        XCTAssertEqual(try read(raw(boxes, classes, scores, 1e30), minScore: 0).count, 3)
    }

    func testNaNIsDropped() throws {
        var broken = boxes
        broken[1] = .nan
        XCTAssertEqual(try read(raw(broken, classes, scores, 3)).map(\.label), ["a"])
        XCTAssertEqual(try read(raw(boxes, [.infinity, -1, 2], [0.9, 0.8, .nan], 3), minScore: 0).count, 0)
    }

    func testDetectionsAreSortedByScoreAndTiesKeepTheirOrder() throws {
        let detections = try read(raw(boxes, classes, [0.6, 0.9, 0.6], 3))
        XCTAssertEqual(detections.map(\.classID), [0, 1, 2])
    }

    func testOrderByValues() {
        let shapes = [[1, 3, 4], [1, 3], [1, 3], [1]]
        XCTAssertEqual(
            OutputOrder(values: [boxes, classes, scores, [3]], shapes: shapes),
            OutputOrder(values: [boxes, classes, scores, [2]], shapes: shapes))
        let swapped = OutputOrder(values: [[3], scores, classes, boxes], shapes: shapes.reversed())
        XCTAssertEqual([swapped?.boxes, swapped?.classes, swapped?.scores, swapped?.count], [3, 2, 1, 0])
        // Without detections the values are ambiguous.
        XCTAssertNil(OutputOrder(values: [boxes, classes, scores, [0]], shapes: shapes))
        XCTAssertNil(OutputOrder(values: [boxes, classes, scores, [3]], shapes: [[1, 3, 4], [1, 3], [1, 2], [1]]))
    }

    func testOrderByNames() throws {
        let model = try Model.read(Golden.path("detector_int8.tflite"))
        let names = zip(model.outputs, ["output_3", "output_2", "output_1", "output_0"])
        let order = OutputOrder(signature: Dictionary(uniqueKeysWithValues: names), model)
        XCTAssertEqual([order?.boxes, order?.classes, order?.scores, order?.count], [0, 1, 2, 3])
        let byMetadata = OutputOrder(metadata: try Metadata.of(model))
        XCTAssertEqual(byMetadata, order)
        XCTAssertEqual(OutputOrder(graph: model), order)
        XCTAssertEqual(OutputOrder(graph: try Model.read(Golden.path("detector_fp16.tflite"))), order)
        XCTAssertNil(OutputOrder(graph: try Model.read(Golden.path("detector_int8_raw.tflite"))))
        XCTAssertNil(OutputOrder(signature: [:], model))
    }

    func testQuantizedOutputsAreDequantized() {
        let port = TensorPort(name: "", shape: [1, 2], type: .uint8, scale: 0.5, zeroPoint: 10)
        XCTAssertEqual(Tensor(port: port, bytes: [10, 14]).floats, [0, 2])
        let whole = TensorPort(name: "", shape: [1], type: .int32)
        XCTAssertEqual(Tensor(port: whole, bytes: [3, 0, 0, 0]).floats, [3])
    }
}
