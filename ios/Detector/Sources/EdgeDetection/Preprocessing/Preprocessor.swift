/// Converts frames to the input tensor of a model.
struct Preprocessor: Sendable {
    let width: Int
    let height: Int
    private let encoding: Encoding

    private enum Encoding: Sendable {
        /// The bytes, regardless of the input's scale and zero point. The TFLite Task Library and MediaPipe do the same,
        /// so that files made for them work here.
        case bytes
        /// The bytes minus 128, as int8.
        case signed
        /// (x - mean) / std as float32, for each channel and byte.
        case float([[Float]])
    }

    /// Far above any detector. The limit keeps a damaged file from filling memory.
    static let maxSide = 2048

    // x / 127.5 - 1 maps bytes to -1...1, as MobileNet detectors are trained.
    private static let defaultScale: Float = 127.5

    /// Throws `notADetector` if the input is not an image, and `unsupported` if its size is not fixed or the metadata's
    /// normalization is not valid.
    init(_ model: Model, _ metadata: Metadata?, input: TensorPort) throws(DetectorError) {
        let shape = input.shape
        guard shape.count == 4, shape[0] == 1, shape[3] == 3 else {
            let reason = "its input is \(input.name) \(shape); a detector takes one image [1, height, width, 3]"
            throw .notADetector(path: model.path, reason: reason)
        }
        let declared = model.inputs.first.map { model.tensors[$0].signature } ?? []
        let sides = 1...Preprocessor.maxSide
        guard sides.contains(shape[1]), sides.contains(shape[2]), declared.dropFirst().allSatisfy({ $0 >= 0 }) else {
            let reason = "its input \(shape) has no fixed size up to \(Preprocessor.maxSide)"
            throw .unsupported(path: model.path, reason: "\(reason); convert it with a fixed height and width")
        }
        height = shape[1]
        width = shape[2]
        switch input.type {
        case .uint8:
            encoding = .bytes
        case .int8:
            encoding = .signed
        case .float32:
            encoding = .float(try Preprocessor.table(model, metadata))
        case .int32, .int64, .other:
            let reason = "its input is \(input.type.rawValue); a detector takes uint8, int8 or float32"
            throw .notADetector(path: model.path, reason: reason)
        }
    }

    /// Gives RGB bytes of `width` x `height` pixels.
    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        encoding = .bytes
    }

    /// The input tensor (1, height, width, 3) for `frame` in row-major order; float32 is little-endian.
    func callAsFunction(_ frame: Frame) -> [UInt8] {
        let count = 3 * width * height
        switch encoding {
        case .bytes:
            return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                fill(buffer.baseAddress, frame)
                filled = count
            }
        case .signed:
            return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                fill(buffer.baseAddress, frame)
                for index in 0..<count {
                    buffer[index] ^= 0x80
                }
                filled = count
            }
        case .float(let table):
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
                fill(bytes.baseAddress, frame)
                return [UInt8](unsafeUninitializedCapacity: 4 * count) { buffer, filled in
                    Preprocessor.normalize( UnsafePointer(bytes.baseAddress), count, table, UnsafeMutableRawPointer(buffer.baseAddress))
                    filled = 4 * count
                }
            }
        }
    }

    /// Writes the resized RGB bytes of `frame`, whose planes are not copied.
    private func fill(_ target: UnsafeMutablePointer<UInt8>?, _ frame: Frame) {
        guard let target else { return }
        switch frame.pixels {
        case .rgb(let plane):
            fill(target, frame, plane, .rgb)
        case .bgra(let plane):
            fill(target, frame, plane, .bgra)
        case .yuv420(let luma, let chroma, let color):
            luma.bytes.withUnsafeBytes { lumaBytes in
                chroma.bytes.withUnsafeBytes { chromaBytes in
                    func fill(_ arithmetic: some YUVArithmetic) {
                        let source = Biplanar(
                            luma: lumaBytes, lumaPerRow: luma.bytesPerRow, chroma: chromaBytes,
                            chromaPerRow: chroma.bytesPerRow, arithmetic: arithmetic, transform: RotationTransform(frame)
                        )
                        resize(source, frame, target)
                    }
                    let factors = color.factors
                    if color.isFullRange {
                        fill(FullRangeArithmetic(factors: factors))
                    } else {
                        fill(WideArithmetic(factors: factors))
                    }
                }
            }
        }
    }

    private func fill(
        _ target: UnsafeMutablePointer<UInt8>, _ frame: Frame, _ plane: Plane, _ order: Interleaved.Order
    ) {
        plane.bytes.withUnsafeBytes { bytes in
            let source = Interleaved(bytes: bytes, bytesPerRow: plane.bytesPerRow, order: order, transform: RotationTransform(frame))
            resize(source, frame, target)
        }
    }

    private func resize<Source: PixelSource>(_ source: Source, _ frame: Frame, _ target: UnsafeMutablePointer<UInt8>) {
        let size = frame.uprightSize
        Bilinear.resize(
            source, width: size.width, height: size.height, toWidth: width, toHeight: height, target: target
        )
    }

    private static func normalize(
        _ bytes: UnsafePointer<UInt8>?, _ count: Int, _ table: [[Float]], _ target: UnsafeMutableRawPointer?
    ) {
        guard let bytes, let floats = target?.assumingMemoryBound(to: Float.self) else { return }
        table[0].withUnsafeBufferPointer { red in
            table[1].withUnsafeBufferPointer { green in
                table[2].withUnsafeBufferPointer { blue in
                    for index in stride(from: 0, to: count, by: 3) {
                        floats[index] = red[Int(bytes[index])]
                        floats[index + 1] = green[Int(bytes[index + 1])]
                        floats[index + 2] = blue[Int(bytes[index + 2])]
                    }
                }
            }
        }
    }

    /// The normalized value of each byte for each channel: x / std - mean / std in float32, as in Python (`runtime`).
    private static func table(_ model: Model, _ metadata: Metadata?) throws(DetectorError) -> [[Float]] {
        let normalization = metadata?.inputs.first
        let isDefault = normalization.map { $0.mean.isEmpty && $0.std.isEmpty } ?? true
        let mean = isDefault ? [defaultScale] : normalization?.mean ?? []
        let std = isDefault ? [defaultScale] : normalization?.std ?? []
        let isValid = [1, 3].contains(mean.count) && [1, 3].contains(std.count)
        guard isValid, (mean + std).allSatisfy(\.isFinite), !std.contains(0) else {
            let reason = "its metadata says mean \(mean) and std \(std); each needs one number or three, and no std of 0"
            throw .unsupported(path: model.path, reason: reason)
        }
        return (0..<3).map { channel in
            let (mean, std) = (mean[channel % mean.count], std[channel % std.count])
            return (0..<256).map { Float($0) / std - mean / std }
        }
    }
}
