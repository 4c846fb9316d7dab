/// What `raw_head.bin`, packed into a file that ends before the post-processing, says of its two outputs.
///
/// The layout is stated in `runtime/model/raw_head.py`: a header of 48 bytes, then an anchor every 16 bytes,
/// little-endian.
struct RawHead: Sendable {
    /// yc, xc, h, w relative to the image.
    let anchors: [SIMD4<Float>]
    let classes: Int
    /// The column of class 0 among the logits.
    let first: Int
    let detections: Int
    let score: Float
    let iou: Float
    /// What codes ty, tx, th, tw are divided by.
    let scales: SIMD4<Float>

    static let file = "raw_head.bin"
    private static let identifier = "RAWH"
    private static let version: UInt32 = 1
    private static let headerSize = 48

    /// What `model` says of its raw outputs, or nil where its metadata names no such file.
    ///
    /// Throws `damaged` where the file is missing or broken, `notADetector` where the outputs are others.
    static func of(_ model: Model, _ metadata: Metadata?) throws(DetectorError) -> RawHead? {
        guard let metadata, metadata.allFiles.contains(where: { $0.name == file }) else { return nil }
        guard let content = try ZipArchive(model.bytes).content(file) else {
            throw model.bytes.damage("its metadata names \(file), which is not in it")
        }
        let head = try RawHead(Bytes(all: content, path: "\(model.path): \(file)"))
        let shapes = model.outputs.map { model.tensors[$0].shape }
        let wanted = [[1, head.anchors.count, 4], [1, head.anchors.count, head.first + head.classes]]
        guard shapes == wanted else {
            let reason = "its outputs are \(shapes), but \(file) in it is for \(wanted); convert it again"
            throw .notADetector(path: model.path, reason: reason)
        }
        return head
    }

    /// Throws `damaged` where `bytes` have another layout, or numbers that make no sense.
    init(_ bytes: Bytes) throws(DetectorError) {
        guard bytes.all.count >= RawHead.headerSize, bytes.all.starts(with: RawHead.identifier.utf8) else {
            throw bytes.damage("it lacks the identifier \(RawHead.identifier)")
        }
        func whole(_ offset: Int) throws(DetectorError) -> UInt32 { try bytes.load(UInt32.self, at: offset) }
        func number(_ offset: Int) throws(DetectorError) -> Float { Float(bitPattern: try whole(offset)) }
        func four(_ offset: Int) throws(DetectorError) -> SIMD4<Float> {
            SIMD4(try number(offset), try number(offset + 4), try number(offset + 8), try number(offset + 12))
        }
        guard try whole(4) == RawHead.version else {
            throw .unsupported(path: bytes.path, reason: "its layout has version \(try whole(4)), not \(RawHead.version)")
        }
        let count = Int(try whole(8))
        guard bytes.all.count == RawHead.headerSize + 16 * count else {
            throw bytes.damage("\(count) anchors do not fit its \(bytes.all.count) bytes")
        }
        classes = Int(try whole(12))
        first = Int(try whole(16))
        detections = Int(try whole(20))
        score = try number(24)
        iou = try number(28)
        scales = try four(32)
        var anchors: [SIMD4<Float>] = []
        anchors.reserveCapacity(count)
        for index in 0..<count {
            anchors.append(try four(RawHead.headerSize + 16 * index))
        }
        self.anchors = anchors
        let sound = count > 0 && classes > 0 && detections > 0 && first <= 1
        let finite = anchors.allSatisfy { $0.sum().isFinite }
        guard sound, finite, score >= 0, score <= 1, iou > 0, iou <= 1, scales.min() > 0 else {
            throw bytes.damage("its numbers make no sense")
        }
    }
}
