/// The files appended to a FlatBuffer as a zip archive, such as a label list.
///
/// Format: PKWARE's APPNOTE.TXT. Entries must be uncompressed, as TFLite's tools write them.
struct ZipArchive {
    private let bytes: Bytes
    private let entries: [String: Entry]

    private struct Entry {
        let method: Int
        let crc: UInt32
        let packed: Int
        let size: Int
        let offset: Int
    }

    private static let endSignature: UInt32 = 0x0605_4b50
    private static let centralSignature: UInt32 = 0x0201_4b50
    private static let localSignature: UInt32 = 0x0403_4b50
    private static let stored = 0

    /// The archive at the end of `bytes`, without entries if there is none. Throws `damaged`.
    init(_ bytes: Bytes) throws(DetectorError) {
        self.bytes = bytes
        guard let end = ZipArchive.endRecord(bytes) else {
            entries = [:]
            return
        }
        let count = Int(try bytes.load(UInt16.self, at: end + 10))
        let size = Int(try bytes.load(UInt32.self, at: end + 12))
        let offset = Int(try bytes.load(UInt32.self, at: end + 16))
        // Offsets are relative to the start of the archive, which may follow other data.
        let base = end - size - offset
        var position = base + offset
        var entries: [String: Entry] = [:]
        for _ in 0..<count {
            guard try bytes.load(UInt32.self, at: position) == ZipArchive.centralSignature else {
                throw bytes.damaged("its central directory is damaged")
            }
            let nameSize = Int(try bytes.load(UInt16.self, at: position + 28))
            let extra = Int(try bytes.load(UInt16.self, at: position + 30))
            let comment = Int(try bytes.load(UInt16.self, at: position + 32))
            let name = String(decoding: bytes.all[try bytes.span(position + 46, nameSize)], as: UTF8.self)
            entries[name] = Entry(
                method: Int(try bytes.load(UInt16.self, at: position + 10)),
                crc: try bytes.load(UInt32.self, at: position + 16),
                packed: Int(try bytes.load(UInt32.self, at: position + 20)),
                size: Int(try bytes.load(UInt32.self, at: position + 24)),
                offset: base + Int(try bytes.load(UInt32.self, at: position + 42))
            )
            position += 46 + nameSize + extra + comment
        }
        self.entries = entries
    }

    /// The content of the entry `name`, or nil if there is none.
    ///
    /// Throws `damaged`, or `unsupported` if the entry is compressed.
    func content(_ name: String) throws(DetectorError) -> [UInt8]? {
        guard let entry = entries[name] else { return nil }
        guard entry.method == ZipArchive.stored else {
            throw .unsupported(path: bytes.path, reason: "\(name) in it is compressed; pack it uncompressed, or give labels")
        }
        guard entry.packed == entry.size, try bytes.load(UInt32.self, at: entry.offset) == ZipArchive.localSignature else {
            throw bytes.damaged("\(name) in it is not where the central directory says")
        }
        let nameSize = Int(try bytes.load(UInt16.self, at: entry.offset + 26))
        let extra = Int(try bytes.load(UInt16.self, at: entry.offset + 28))
        let content = bytes.all[try bytes.span(entry.offset + 30 + nameSize + extra, entry.size)]
        guard ZipArchive.crc32(content) == entry.crc else {
            throw bytes.damaged("\(name) in it does not match its checksum")
        }
        return Array(content)
    }

    /// The position of the end of central directory record, which a comment may follow.
    private static func endRecord(_ bytes: Bytes) -> Int? {
        let size = 22
        guard bytes.all.count >= size else { return nil }
        let last = bytes.all.count - size
        return stride(from: last, through: max(0, last - 0xFFFF), by: -1).first {
            bytes.all[$0] == 0x50 && (try? bytes.load(UInt32.self, at: $0)) == endSignature
        }
    }

    /// CRC-32 as zip uses it: polynomial 0xEDB88320, reflected.
    private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var crc = ~UInt32(0)
        for byte in bytes {
            crc = table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ (crc >> 8)
        }
        return ~crc
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : (value >> 1) ^ 0xEDB8_8320 }
    }
}
