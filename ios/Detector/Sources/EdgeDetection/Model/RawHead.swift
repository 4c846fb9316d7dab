/// The contents of `raw_head.bin`, which describes the two outputs of a model without post-processing.
///
/// `runtime/model/raw_head.py` specifies the layout: a header of 48 bytes, the number of candidates from version 2 on,
/// how boxes and scores are made from version 3 on, then 16 bytes per anchor, little-endian.
struct RawHead: Sendable {
    /// Center y, center x, height and width of each anchor, relative to the image size.
    let anchors: [SIMD4<Float>]
    let classes: Int
    /// The column of class 0 in the logits: 1 if there is a background column, else 0.
    let first: Int
    let detections: Int
    let score: Float
    let iou: Float
    /// The divisors of the box codes ty, tx, th, tw.
    let scales: SIMD4<Float>
    /// How many pairs of anchor and class are looked at; 0 stands for version 1, whose rules have no such number.
    let candidates: Int
    /// How many logits a distance has where box codes are distributions, else 0: box codes are four numbers.
    let bins: Int

    /// How many numbers a box code has.
    var codeSize: Int { bins > 0 ? 4 * bins : 4 }

    static let file = "raw_head.bin"
    private static let identifier = "RAWH"
    private static let version: UInt32 = 3
    private static let headerSize = 48
    private static let sigmoid: UInt32 = 0
    private static let maxBins: UInt32 = 256

    /// Reads the raw head of `model`, or nil if its metadata does not name one.
    ///
    /// Throws `damaged` if the packed file is missing or damaged, `notADetector` if it does not match the model's outputs.
    static func of(_ model: Model, _ metadata: Metadata?) throws(DetectorError) -> RawHead? {
        guard let metadata, metadata.allFiles.contains(where: { $0.name == file }) else { return nil }
        guard let content = try ZipArchive(model.bytes).content(file) else {
            throw model.bytes.damaged("its metadata names \(file), which is missing")
        }
        let head = try RawHead(Bytes(all: content, path: "\(model.path): \(file)"))
        let shapes = model.outputs.map { model.tensors[$0].shape }
        let expected = [[1, head.anchors.count, head.codeSize], [1, head.anchors.count, head.first + head.classes]]
        guard shapes == expected else {
            let reason = "its outputs are \(shapes), but \(file) in it is for \(expected); convert it again"
            throw .notADetector(path: model.path, reason: reason)
        }
        return head
    }

    /// Throws `damaged` if the layout or a value is not valid, `unsupported` for later versions and other activations than
    /// the sigmoid.
    init(_ bytes: Bytes) throws(DetectorError) {
        guard bytes.all.count >= RawHead.headerSize, bytes.all.starts(with: RawHead.identifier.utf8) else {
            throw bytes.damaged("it lacks the identifier \(RawHead.identifier)")
        }
        func whole(_ offset: Int) throws(DetectorError) -> UInt32 { try bytes.load(UInt32.self, at: offset) }
        func number(_ offset: Int) throws(DetectorError) -> Float { Float(bitPattern: try whole(offset)) }
        func four(_ offset: Int) throws(DetectorError) -> SIMD4<Float> {
            SIMD4(try number(offset), try number(offset + 4), try number(offset + 8), try number(offset + 12))
        }
        let version = try whole(4)
        guard (1...RawHead.version).contains(version) else {
            throw .unsupported(path: bytes.path, reason: "its layout has version \(version), not 1 to \(RawHead.version)")
        }
        let count = Int(try whole(8))
        let start = RawHead.headerSize + (version > 2 ? 16 : version > 1 ? 4 : 0)
        guard bytes.all.count == start + 16 * count else {
            throw bytes.damaged("\(count) anchors do not fit its \(bytes.all.count) bytes")
        }
        classes = Int(try whole(12))
        first = Int(try whole(16))
        detections = Int(try whole(20))
        score = try number(24)
        iou = try number(28)
        scales = try four(32)
        candidates = version > 1 ? Int(try whole(RawHead.headerSize)) : 0
        let bins = version > 2 ? try whole(RawHead.headerSize + 4) : 0
        let arePoints = version > 2 ? try whole(RawHead.headerSize + 8) : 0
        let activation = version > 2 ? try whole(RawHead.headerSize + 12) : RawHead.sigmoid
        guard activation == RawHead.sigmoid else {
            let reason = "its scores are made by activation \(activation), not \(RawHead.sigmoid), the sigmoid"
            throw .unsupported(path: bytes.path, reason: reason)
        }
        // Distributions are relative to points, four numbers to boxes.
        guard bins == 0 || (2...RawHead.maxBins).contains(bins), arePoints == (bins > 0 ? 1 : 0) else {
            throw bytes.damaged("it has invalid values")
        }
        self.bins = Int(bins)
        var anchors: [SIMD4<Float>] = []
        anchors.reserveCapacity(count)
        for index in 0..<count {
            anchors.append(try four(start + 16 * index))
        }
        self.anchors = anchors
        let isValid = count > 0 && classes > 0 && detections > 0 && first <= 1 && (version == 1 || candidates > 0)
        let isFinite = anchors.allSatisfy { $0.sum().isFinite }
        guard isValid, isFinite, score >= 0, score <= 1, iou > 0, iou <= 1, scales.min() > 0 else {
            throw bytes.damaged("it has invalid values")
        }
    }
}
