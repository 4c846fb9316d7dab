import XCTest

@testable import EdgeDetection

final class GoldenTests: XCTestCase {
    func testImagesMatchTheirHashes() throws {
        for image in try Golden.read().images {
            XCTAssertEqual(sha256([UInt8](try Golden.rgb(image.file))), image.rgbSha256, image.file)
        }
    }

    func testGoldenModelsGiveTheGoldenDetections() async throws {
        let golden = try Golden.read()
        for model in golden.models {
            let detector = try Detector(path: Golden.path(model.file), options: .cpu(scoreThreshold: golden.score))
            XCTAssertEqual(detector.labels.names, model.labels, model.file)
            for result in model.results {
                let image = try XCTUnwrap(golden.images.first { $0.file == result.image })
                let frame = try Golden.frame(image)
                let message = "\(model.file), \(image.file)"
                XCTAssertEqual(sha256(detector.description.preprocessor(frame)), result.inputSha256, message)
                let actual = try await detector.detect(frame)
                assertSame(
                    actual.detections, result.detections, box: model.isInt8 ? golden.int8BoxTolerance : golden.boxTolerance,
                    score: model.isInt8 ? golden.int8ScoreTolerance : golden.scoreTolerance, message)
                XCTAssertGreaterThan(actual.timings.invoke, 0)
            }
        }
    }

    func testRawOutputsOfInt8ModelsAreTheGoldenOnes() throws {
        let golden = try Golden.read()
        for model in golden.models where model.isInt8 {
            let result = try XCTUnwrap(model.results.first)
            let image = try XCTUnwrap(golden.images.first { $0.file == result.image })
            let engine = try TensorFlowLiteEngine(path: Golden.path(model.file))
            let description = try ModelDescription(ModelFile(path: Golden.path(model.file)), engine: engine)
            let raw = try engine.invoke(description.preprocessor(Golden.frame(image)))
            if let hashes = result.raw.sha256 {
                XCTAssertEqual(raw.map { sha256($0.bytes) }, hashes, model.file)
                continue
            }
            let (order, count) = (try XCTUnwrap(result.raw.order), try XCTUnwrap(result.raw.count))
            let values = Dictionary(uniqueKeysWithValues: zip(order, raw.map(\.floats)))
            XCTAssertEqual(values["count"], [Float(count)])
            XCTAssertEqual(values["classes"].map { Array($0.prefix(count)) }, result.raw.classes)
            // Boxes and scores are float32, and relative to the image or in 0...1.
            for (name, expected) in [("boxes", result.raw.boxes?.flatMap { $0 }), ("scores", result.raw.scores)] {
                for (one, other) in zip(try XCTUnwrap(values[name]), try XCTUnwrap(expected)) {
                    XCTAssertEqual(one, other, accuracy: Float(golden.int8ScoreTolerance), name)
                }
            }
        }
    }

    func testResizingGivesTheGoldenBytes() throws {
        for testCase in try Golden.read().resize {
            let bytes = [UInt8](Golden.noise(testCase.seed, 3 * testCase.width * testCase.height))
            let small = resized(bytes, testCase.width, testCase.height, testCase.toWidth, testCase.toHeight)
            XCTAssertEqual(sha256(small), testCase.sha256, "\(testCase)")
        }
    }

    func testColorConversionGivesTheGoldenBytes() throws {
        for testCase in try Golden.read().yuv {
            let (width, height) = (testCase.width, testCase.height)
            let half = ((width + 1) / 2, (height + 1) / 2)
            let matrix = try XCTUnwrap(YUVColor.Matrix(rawValue: testCase.matrix))
            let pixels = Pixels.yuv420(
                luma: Plane(Golden.noise(testCase.seed, width * height), bytesPerRow: width),
                chroma: Plane(Golden.noise(testCase.seed + 1, 2 * half.0 * half.1), bytesPerRow: 2 * half.0),
                YUVColor(matrix: matrix, isFullRange: testCase.fullRange)
            )
            let frame = try Frame(pixels, width: width, height: height)
            XCTAssertEqual(sha256(try input(of: frame, width: width, height: height)), testCase.sha256, "\(testCase)")
        }
    }

    func testSHA256() {
        XCTAssertEqual(sha256([]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        XCTAssertEqual(
            sha256([UInt8](String(repeating: "abc", count: 40).utf8)),
            "b02c2454cf7a177aefdeb3e3d26b447fcc3d5db67be300d67e702c2b062dbb88"
        )
    }
}

/// Resizes RGB bytes.
func resized(_ bytes: [UInt8], _ width: Int, _ height: Int, _ toWidth: Int, _ toHeight: Int) -> [UInt8] {
    var small = [UInt8](repeating: 0, count: 3 * toWidth * toHeight)
    let frame = try? Frame(.rgb(Plane(Data(bytes), bytesPerRow: 3 * width)), width: width, height: height)
    if let frame, let actual = try? input(of: frame, width: toWidth, height: toHeight) {
        small = actual
    }
    return small
}

/// The input tensor for `frame` of a uint8 model with an input of `width` x `height` pixels.
func input(of frame: Frame, width: Int, height: Int) throws -> [UInt8] {
    let port = TensorPort(name: "images", shape: [1, height, width, 3], type: .uint8)
    let model = try Model.read(Golden.path("detector_int8.tflite"))
    return try Preprocessor(model, nil, input: port)(frame)
}
