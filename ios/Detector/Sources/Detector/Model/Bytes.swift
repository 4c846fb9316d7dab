/// The bytes of a file with checked little-endian access; `path` is what errors call them.
struct Bytes {
    let all: [UInt8]
    let path: String

    /// Throws `damaged` where the number does not lie within the bytes.
    func load<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, at position: Int
    ) throws(DetectorError) -> Number {
        let place = try span(position, MemoryLayout<Number>.size).lowerBound
        return Number(littleEndian: all.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Number.self) })
    }

    /// The places of `size` bytes from `position`. Throws `damaged` where they do not lie within the bytes.
    func span(_ position: Int, _ size: Int) throws(DetectorError) -> Range<Int> {
        guard position >= 0, size >= 0, position <= all.count, size <= all.count - position else {
            throw damage("it wants \(size) bytes at byte \(position) of \(all.count)")
        }
        return position..<position + size
    }

    func damage(_ reason: String) -> DetectorError {
        .damaged(path: path, reason: reason)
    }
}
