/// Bounds-checked little-endian access to the bytes of a file; `path` is its name in error messages.
struct Bytes {
    let all: [UInt8]
    let path: String

    /// Reads a number. Throws `damaged` if it is out of bounds.
    func load<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, at position: Int
    ) throws(DetectorError) -> Number {
        let start = try span(position, MemoryLayout<Number>.size).lowerBound
        return Number(littleEndian: all.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Number.self) })
    }

    /// The range of `size` bytes from `position`. Throws `damaged` if it is out of bounds.
    func span(_ position: Int, _ size: Int) throws(DetectorError) -> Range<Int> {
        guard position >= 0, size >= 0, position <= all.count, size <= all.count - position else {
            throw damaged("it needs \(size) bytes at offset \(position) of \(all.count)")
        }
        return position..<position + size
    }

    func damaged(_ reason: String) -> DetectorError {
        .damaged(path: path, reason: reason)
    }
}
