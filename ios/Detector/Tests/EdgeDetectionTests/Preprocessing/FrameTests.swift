import XCTest

@testable import EdgeDetection

final class FrameTests: XCTestCase {
    private let width = 37
    private let height = 23

    private lazy var rgb = [UInt8](Golden.noise(7, 3 * width * height))

    private func upright() throws -> [UInt8] {
        try input(of: Frame(.rgb(Plane(Data(rgb), bytesPerRow: 3 * width)), width: width, height: height), width: 16, height: 11)
    }

    /// `bytes` in rows of `rowBytes`, each followed by `extra` bytes of padding.
    private func padded(_ bytes: [UInt8], rowBytes: Int, by extra: Int) -> Plane {
        var spread: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: rowBytes) {
            spread += bytes[start..<start + rowBytes] + [UInt8](repeating: 0xAA, count: extra)
        }
        // The last row has no padding.
        spread.removeLast(extra)
        return Plane(Data(spread), bytesPerRow: rowBytes + extra)
    }

    func testPaddedRowsAndBGRAGiveTheSameTensor() throws {
        let expected = try upright()
        var bgra: [UInt8] = []
        for start in stride(from: 0, to: rgb.count, by: 3) {
            bgra += [rgb[start + 2], rgb[start + 1], rgb[start], 0x55]
        }
        for extra in [0, 1, 13] {
            for pixels in [
                Pixels.rgb(padded(rgb, rowBytes: 3 * width, by: extra)),
                .bgra(padded(bgra, rowBytes: 4 * width, by: extra)),
            ] {
                XCTAssertEqual(try input(of: Frame(pixels, width: width, height: height), width: 16, height: 11), expected)
            }
        }
    }

    func testSliceOfDataIsReadFromItsStart() throws {
        let whole = Data([1, 2, 3, 4, 5] + rgb)
        let frame = try Frame(.rgb(Plane(whole[5...], bytesPerRow: 3 * width)), width: width, height: height)
        XCTAssertEqual(try input(of: frame, width: 16, height: 11), try upright())
    }

    func testRotatedFramesAreMadeUpright() throws {
        let expected = try upright()
        for rotation in Rotation.allCases {
            let stored = rotatedBack(rgb, width, height, channels: 3, rotation)
            let pixels = Pixels.rgb(Plane(Data(stored.bytes), bytesPerRow: 3 * stored.width))
            let frame = try Frame(pixels, width: stored.width, height: stored.height, rotation: rotation)
            XCTAssertEqual(frame.uprightSize.width, width)
            XCTAssertEqual(try input(of: frame, width: 16, height: 11), expected, "\(rotation)")
        }
    }

    func testRotatedCameraFramesAreMadeUpright() throws {
        for full in [false, true] {
            let color = YUVColor(matrix: .bt709, isFullRange: full)
            let luma = Plane(Golden.noise(1, 41 * 30), bytesPerRow: 41)
            let chroma = Plane(Golden.noise(2, 46 * 15), bytesPerRow: 46)
            let pixels = Pixels.yuv420(luma: luma, chroma: chroma, color)
            // Without resizing the tensor is the image in RGB, which is compared after rotating it back.
            let plain = try input(of: Frame(pixels, width: 39, height: 29), width: 39, height: 29)
            for rotation in Rotation.allCases {
                let frame = try Frame(pixels, width: 39, height: 29, rotation: rotation)
                let size = frame.uprightSize
                let actual = try input(of: frame, width: size.width, height: size.height)
                let back = rotatedBack(actual, size.width, size.height, channels: 3, rotation)
                XCTAssertEqual(back.bytes, plain, "\(rotation)")
            }
        }
    }

    /// Covers weighted and halving resizing, and pairs with and without shared chroma.
    func testResizedCameraFramesEqualResizedRGB() throws {
        for (width, height) in [(33, 18), (40, 48), (40, 27), (27, 40), (80, 54), (54, 80)] {
            let luma = Plane(Golden.noise(1, width * height), bytesPerRow: width)
            let perRow = (width + 1) / 2 * 2
            let chroma = Plane(Golden.noise(2, perRow * ((height + 1) / 2)), bytesPerRow: perRow)
            for full in [false, true] {
                let pixels = Pixels.yuv420(luma: luma, chroma: chroma, YUVColor(matrix: .bt709, isFullRange: full))
                let plain = try input(of: Frame(pixels, width: width, height: height), width: width, height: height)
                let colors = Pixels.rgb(Plane(Data(plain), bytesPerRow: 3 * width))
                for rotation in Rotation.allCases {
                    let actual = try Frame(pixels, width: width, height: height, rotation: rotation)
                    let expected = try Frame(colors, width: width, height: height, rotation: rotation)
                    XCTAssertEqual(
                        try input(of: actual, width: 20, height: 24), try input(of: expected, width: 20, height: 24),
                        "\(width) x \(height) \(rotation)")
                }
            }
        }
    }

    func testHalvedRotatedFrames() throws {
        let stored = rotatedBack(rgb, width, height, channels: 3, .none)
        XCTAssertEqual(stored.bytes, rgb)
        let block = [UInt8](Golden.noise(3, 3 * 8 * 4))
        let expected = resized(block, 8, 4, 4, 2)
        let rotated = rotatedBack(block, 8, 4, channels: 3, .left)
        let frame = try Frame(.rgb(Plane(Data(rotated.bytes), bytesPerRow: 12)), width: 4, height: 8, rotation: .left)
        XCTAssertEqual(try input(of: frame, width: 4, height: 2), expected)
    }

    func testUprightPixelsOfAFrame() throws {
        let stored = rotatedBack(rgb, width, height, channels: 3, .right)
        let pixels = Pixels.rgb(Plane(Data(stored.bytes), bytesPerRow: 3 * stored.width))
        let frame = try Frame(pixels, width: stored.width, height: stored.height, rotation: .right)
        XCTAssertEqual(frame.uprightRGB(), rgb)
    }

    func testInvalidFramesAreRejected() throws {
        let plane = Plane(Data(count: 300), bytesPerRow: 30)
        func assertRejected(_ pixels: Pixels, _ width: Int, _ height: Int, line: UInt = #line) {
            XCTAssertThrowsError(try Frame(pixels, width: width, height: height), line: line) { error in
                guard case DetectorError.badFrame = error else { return XCTFail("\(error)", line: line) }
            }
        }
        assertRejected(.rgb(plane), 0, 10)
        assertRejected(.rgb(plane), 10, 0)
        assertRejected(.rgb(plane), -10, 10)
        assertRejected(.rgb(plane), 11, 10)
        assertRejected(.rgb(plane), 10, 11)
        assertRejected(.rgb(plane), Int.max, Int.max)
        assertRejected(.bgra(plane), 8, 10)
        assertRejected(.rgb(Plane(Data(), bytesPerRow: 3)), 1, 1)
        assertRejected(.rgb(Plane(Data(count: 9), bytesPerRow: -3)), 1, 3)
        assertRejected(.rgb(Plane(Data(count: 9), bytesPerRow: Int.max)), 1, 3)
        let color = YUVColor(matrix: .bt601, isFullRange: true)
        let chroma = Plane(Data(count: 149), bytesPerRow: 30)
        assertRejected(.yuv420(luma: plane, chroma: chroma, color), 30, 10)
        _ = try Frame(.yuv420(luma: plane, chroma: plane, color), width: 30, height: 10)
        _ = try Frame(.rgb(plane), width: 10, height: 10)
    }

    func testFloatInputsAreNormalized() throws {
        let model = try Model.read(Golden.path("detector_fp16.tflite"))
        let port = TensorPort(name: "images", shape: [1, 1, 1, 3], type: .float32)
        let frame = try Frame(.rgb(Plane(Data([0, 51, 255]), bytesPerRow: 3)), width: 1, height: 1)
        let bytes = try Preprocessor(model, Metadata.of(model), input: port)(frame)
        let expected = [Float(0), 51, 255].map { $0 / 127.5 - 1 }
        XCTAssertEqual(Tensor(port: port, bytes: bytes).floats, expected)
    }

    func testSignedInputsAreBytesMinus128() throws {
        let model = try Model.read(Golden.path("detector_int8.tflite"))
        let port = TensorPort(name: "images", shape: [1, 1, 1, 3], type: .int8)
        let frame = try Frame(.rgb(Plane(Data([0, 128, 255]), bytesPerRow: 3)), width: 1, height: 1)
        let bytes = try Preprocessor(model, nil, input: port)(frame)
        XCTAssertEqual(bytes.map { Int8(bitPattern: $0) }, [-128, 0, 127])
    }

    func testInputsOtherThanImagesAreRejected() throws {
        let model = try Model.read(Golden.path("detector_int8.tflite"))
        for port in [
            TensorPort(name: "x", shape: [1, 320, 320], type: .uint8),
            TensorPort(name: "x", shape: [1, 320, 320, 1], type: .uint8),
            TensorPort(name: "x", shape: [1, 8, 8, 3], type: .int64),
        ] {
            XCTAssertThrowsError(try Preprocessor(model, nil, input: port)) { error in
                guard case DetectorError.notADetector = error else { return XCTFail("\(error)") }
            }
        }
    }
}

/// An upright image as stored by a camera with this `rotation`.
private func rotatedBack(
    _ bytes: [UInt8], _ width: Int, _ height: Int, channels: Int, _ rotation: Rotation
) -> (bytes: [UInt8], width: Int, height: Int) {
    let (storedWidth, storedHeight) = rotation.swapsSides ? (height, width) : (width, height)
    var stored: [UInt8] = []
    for y in 0..<storedHeight {
        for x in 0..<storedWidth {
            // Rotating clockwise by 90 degrees takes (x, y) to (height - 1 - y, x).
            let (column, row): (Int, Int)
            switch rotation {
            case .none: (column, row) = (x, y)
            case .right: (column, row) = (storedHeight - 1 - y, x)
            case .half: (column, row) = (storedWidth - 1 - x, storedHeight - 1 - y)
            case .left: (column, row) = (y, storedWidth - 1 - x)
            }
            let start = (row * width + column) * channels
            stored += bytes[start..<start + channels]
        }
    }
    return (stored, storedWidth, storedHeight)
}
