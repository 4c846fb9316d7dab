/// A reader of untrusted FlatBuffers.
///
/// Format: https://flatbuffers.dev/internals/ . A table begins with the signed offset back to its vtable, which holds
/// the offset of each field from the table, or 0 if the field is absent. Every access is bounds-checked and the total
/// number of bytes read is limited, so that a damaged file cannot cause a crash, a hang or excessive memory use.
final class FlatBuffer {
    let bytes: Bytes
    // A valid file is read about once. The limit stops a small damaged file whose offsets all lead to one large
    // string from filling memory.
    private var budget: Int
    private var tables = 0

    // Detectors have a few thousand tables. A damaged file whose vectors refer to each other has no bound.
    private static let maxTables = 100_000

    /// Throws `damaged` unless the file has this `identifier`.
    init(_ bytes: Bytes, identifier: String) throws(DetectorError) {
        self.bytes = bytes
        budget = 4 * bytes.all.count + 1024
        guard bytes.all.count >= 8, bytes.all[4..<8].elementsEqual(identifier.utf8) else {
            throw bytes.damaged("it lacks the identifier \(identifier)")
        }
    }

    /// The root table.
    func root() throws(DetectorError) -> Table {
        try Table(self, Int(bytes.load(UInt32.self, at: 0)))
    }

    /// Counts `amount` bytes as read. Throws `damaged` if the limit is exceeded.
    func spend(_ amount: Int) throws(DetectorError) {
        budget -= amount
        if budget < 0 {
            throw bytes.damaged("its offsets form a cycle")
        }
    }

    fileprivate func countTable() throws(DetectorError) {
        tables += 1
        if tables > FlatBuffer.maxTables {
            throw bytes.damaged("it has more than \(FlatBuffer.maxTables) tables")
        }
    }
}

/// A FlatBuffers table. Fields are identified by their number in the schema.
struct Table {
    private let buffer: FlatBuffer
    private let position: Int
    private let vtable: Int
    private let vtableSize: Int

    init(_ buffer: FlatBuffer, _ position: Int) throws(DetectorError) {
        try buffer.countTable()
        self.buffer = buffer
        self.position = position
        vtable = position - Int(try buffer.bytes.load(Int32.self, at: position))
        vtableSize = Int(try buffer.bytes.load(UInt16.self, at: vtable))
    }

    /// A scalar; `absent` if the field is absent.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ field: Int, _ type: Number.Type, absent: Number = 0
    ) throws(DetectorError) -> Number {
        guard let position = try offset(field) else { return absent }
        return try buffer.bytes.load(type, at: position)
    }

    /// A string; empty if the field is absent.
    func text(_ field: Int) throws(DetectorError) -> String {
        String(decoding: try data(field), as: UTF8.self)
    }

    /// A vector of bytes; empty if the field is absent.
    func data(_ field: Int) throws(DetectorError) -> ArraySlice<UInt8> {
        guard let target = try target(field) else { return [] }
        let range = try buffer.bytes.span(target + 4, Int(buffer.bytes.load(UInt32.self, at: target)))
        try buffer.spend(range.count)
        return buffer.bytes.all[range]
    }

    /// A vector of scalars; empty if the field is absent.
    func numbers<Number: FixedWidthInteger & BitwiseCopyable>(
        _ field: Int, _ type: Number.Type
    ) throws(DetectorError) -> [Number] {
        guard let target = try target(field) else { return [] }
        let width = MemoryLayout<Number>.size
        let range = try buffer.bytes.span(target + 4, Int(buffer.bytes.load(UInt32.self, at: target)) * width)
        try buffer.spend(range.count)
        var numbers: [Number] = []
        for position in stride(from: range.lowerBound, to: range.upperBound, by: width) {
            numbers.append(try buffer.bytes.load(type, at: position))
        }
        return numbers
    }

    /// A vector of float32; empty if the field is absent.
    func floats(_ field: Int) throws(DetectorError) -> [Float] {
        try numbers(field, UInt32.self).map(Float.init(bitPattern:))
    }

    /// The table of a field, or nil if it is absent.
    func table(_ field: Int) throws(DetectorError) -> Table? {
        guard let target = try target(field) else { return nil }
        return try Table(buffer, target)
    }

    /// A vector of tables; empty if the field is absent.
    func tables(_ field: Int) throws(DetectorError) -> [Table] {
        guard let target = try target(field) else { return [] }
        let slots = try buffer.bytes.span(target + 4, 4 * Int(buffer.bytes.load(UInt32.self, at: target)))
        var tables: [Table] = []
        for slot in stride(from: slots.lowerBound, to: slots.upperBound, by: 4) {
            tables.append(try Table(buffer, slot + Int(buffer.bytes.load(UInt32.self, at: slot))))
        }
        return tables
    }

    private func offset(_ field: Int) throws(DetectorError) -> Int? {
        let entry = 4 + 2 * field
        guard entry + 2 <= vtableSize else { return nil }
        let fieldOffset = Int(try buffer.bytes.load(UInt16.self, at: vtable + entry))
        return fieldOffset == 0 ? nil : position + fieldOffset
    }

    private func target(_ field: Int) throws(DetectorError) -> Int? {
        guard let position = try offset(field) else { return nil }
        return position + Int(try buffer.bytes.load(UInt32.self, at: position))
    }
}
