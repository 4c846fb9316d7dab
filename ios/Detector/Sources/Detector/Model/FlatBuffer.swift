/// A reader of FlatBuffers that trusts nothing in them.
///
/// Format: https://flatbuffers.dev/internals/ . A table begins with the signed distance back to its
/// vtable, which holds for each field the field's distance from the table, or 0 where it is absent.
/// Every access is checked against the ends of the data, and the sum of what is read is bounded, so
/// that no damaged file makes the reader crash, hang or fill memory.
final class FlatBuffer {
    let bytes: Bytes
    // In a whole file hardly anything is read twice; offsets that all lead to one big string would
    // otherwise make a small file fill memory.
    private var budget: Int
    private var tables = 0

    // Detectors have a few thousand tables. A damaged file whose vectors all lead to each other
    // would have any number of them.
    private static let mostTables = 100_000

    /// Throws `damaged` unless `identifier` stands where the format wants it.
    init(_ bytes: Bytes, identifier: String) throws(DetectorError) {
        self.bytes = bytes
        budget = 4 * bytes.all.count + 1024
        guard bytes.all.count >= 8, bytes.all[4..<8].elementsEqual(identifier.utf8) else {
            throw bytes.damage("it lacks the identifier \(identifier)")
        }
    }

    /// The table that everything else hangs from.
    func root() throws(DetectorError) -> Table {
        try Table(self, Int(bytes.load(UInt32.self, at: 0)))
    }

    /// Counts what is read, and gives up on data that leads in circles.
    func spend(_ amount: Int) throws(DetectorError) {
        budget -= amount
        if budget < 0 {
            throw bytes.damage("its parts point to each other without end")
        }
    }

    fileprivate func countTable() throws(DetectorError) {
        tables += 1
        if tables > FlatBuffer.mostTables {
            throw bytes.damage("it has more than \(FlatBuffer.mostTables) tables")
        }
    }
}

/// One table; fields are given by their number in the schema.
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

    /// A scalar; `absent` where the field is.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ field: Int, _ type: Number.Type, absent: Number = 0
    ) throws(DetectorError) -> Number {
        guard let place = try place(field) else { return absent }
        return try buffer.bytes.load(type, at: place)
    }

    /// A string; empty where the field is absent.
    func text(_ field: Int) throws(DetectorError) -> String {
        String(decoding: try data(field), as: UTF8.self)
    }

    /// A vector of bytes; empty where the field is absent.
    func data(_ field: Int) throws(DetectorError) -> ArraySlice<UInt8> {
        guard let target = try target(field) else { return [] }
        let range = try buffer.bytes.span(target + 4, Int(buffer.bytes.load(UInt32.self, at: target)))
        try buffer.spend(range.count)
        return buffer.bytes.all[range]
    }

    /// A vector of scalars; empty where the field is absent.
    func numbers<Number: FixedWidthInteger & BitwiseCopyable>(
        _ field: Int, _ type: Number.Type
    ) throws(DetectorError) -> [Number] {
        guard let target = try target(field) else { return [] }
        let width = MemoryLayout<Number>.size
        let range = try buffer.bytes.span(target + 4, Int(buffer.bytes.load(UInt32.self, at: target)) * width)
        try buffer.spend(range.count)
        var numbers: [Number] = []
        for place in stride(from: range.lowerBound, to: range.upperBound, by: width) {
            numbers.append(try buffer.bytes.load(type, at: place))
        }
        return numbers
    }

    /// A vector of float32; empty where the field is absent.
    func floats(_ field: Int) throws(DetectorError) -> [Float] {
        try numbers(field, UInt32.self).map(Float.init(bitPattern:))
    }

    /// The table of a field, or nil where it is absent.
    func table(_ field: Int) throws(DetectorError) -> Table? {
        guard let target = try target(field) else { return nil }
        return try Table(buffer, target)
    }

    /// A vector of tables; empty where the field is absent.
    func tables(_ field: Int) throws(DetectorError) -> [Table] {
        guard let target = try target(field) else { return [] }
        let slots = try buffer.bytes.span(target + 4, 4 * Int(buffer.bytes.load(UInt32.self, at: target)))
        var tables: [Table] = []
        for slot in stride(from: slots.lowerBound, to: slots.upperBound, by: 4) {
            tables.append(try Table(buffer, slot + Int(buffer.bytes.load(UInt32.self, at: slot))))
        }
        return tables
    }

    private func place(_ field: Int) throws(DetectorError) -> Int? {
        let entry = 4 + 2 * field
        guard entry + 2 <= vtableSize else { return nil }
        let offset = Int(try buffer.bytes.load(UInt16.self, at: vtable + entry))
        return offset == 0 ? nil : position + offset
    }

    private func target(_ field: Int) throws(DetectorError) -> Int? {
        guard let place = try place(field) else { return nil }
        return place + Int(try buffer.bytes.load(UInt32.self, at: place))
    }
}
