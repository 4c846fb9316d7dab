/// A source of bi-planar YUV 4:2:0 pixels.
///
/// Chroma is converted once for pixels that share it: both pixels of a pair if a camera has twice the model's width, and
/// adjacent rows. This requires that all rows of a frame are read at the same columns.
struct Biplanar<Arithmetic: YUVArithmetic>: PixelSource {
    struct Offset {
        let luma: Int
        let chroma: Int
    }

    /// The offsets of columns: apart, since each loop needs one of them.
    struct Columns {
        let luma: [Int]
        let chroma: [Int]
        /// Whether each column is two after the one before.
        let areEverySecond: Bool
    }

    static var isPlanar: Bool { true }

    let luma: UnsafeRawBufferPointer
    let lumaPerRow: Int
    let chroma: UnsafeRawBufferPointer
    let chromaPerRow: Int
    let arithmetic: Arithmetic
    let transform: RotationTransform
    private let leftChroma = ChromaRow()
    private let rightChroma = ChromaRow()

    /// The chroma terms of the row that was read last.
    private final class ChromaRow {
        var row = -1
        /// Red of all pixels, then green, then blue, each as `Arithmetic` has them.
        var terms: [Int16] = []
        /// Whether the left pixels have the same terms; nil before the first row.
        var equalLeft: Bool?
    }

    func columns(_ positions: [Int]) -> Columns {
        let offsets = positions.map { offset(transform.column($0)) }
        return Columns(
            luma: offsets.map(\.luma), chroma: offsets.map(\.chroma),
            areEverySecond: zip(offsets, offsets.dropFirst()).allSatisfy { $1.luma == $0.luma + 2 })
    }

    func row(_ y: Int) -> Offset { offset(transform.row(y)) }

    private func offset(_ position: (x: Int, y: Int)) -> Offset {
        Offset(
            luma: position.x + position.y * lumaPerRow,
            chroma: position.x / 2 * 2 + position.y / 2 * chromaPerRow
        )
    }

    func read(_ row: Offset, _ columns: Columns, into target: UnsafeMutablePointer<UInt8>) {
        let count = columns.luma.count
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
            guard let bytes = bytes.baseAddress else { return }
            gather(row.luma, columns.luma, bytes)
            convert(bytes, terms(leftChroma, row, columns), count, target)
        }
    }

    func readPairs(
        _ row: Offset, _ left: Columns, _ right: Columns, into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    ) {
        let count = left.luma.count
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * count) { bytes in
            guard let bytes = bytes.baseAddress else { return }
            gatherPairs(row.luma, left, right, bytes, bytes + count)
            convert(bytes, terms(leftChroma, row, left), count, lefts)
            let areShared = rightChroma.equalLeft ?? (left.chroma == right.chroma)
            rightChroma.equalLeft = areShared
            convert(bytes + count, areShared ? leftChroma.terms : terms(rightChroma, row, right), count, rights)
        }
    }

    private func terms(_ cached: ChromaRow, _ row: Offset, _ columns: Columns) -> [Int16] {
        let count = columns.chroma.count
        let size = 3 * Arithmetic.planes * count
        guard cached.row != row.chroma || cached.terms.count != size else { return cached.terms }
        cached.row = row.chroma
        if cached.terms.count != size {
            cached.terms = [Int16](repeating: 0, count: size)
        }
        cached.terms.withUnsafeMutableBufferPointer { terms in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * count) { bytes in
                guard let terms = terms.baseAddress, let us = bytes.baseAddress else { return }
                gather(row.chroma, columns.chroma, us, us + count)
                arithmetic.chroma(us, us + count, count, terms)
            }
        }
        return cached.terms
    }

    /// Writes U and V at `columns`.
    private func gather(
        _ row: Int, _ columns: [Int], _ us: UnsafeMutablePointer<UInt8>, _ vs: UnsafeMutablePointer<UInt8>
    ) {
        columns.withUnsafeBufferPointer { columns in
            for x in 0..<columns.count {
                let pair = UInt16(littleEndian: chroma.loadUnaligned(fromByteOffset: row &+ columns[x], as: UInt16.self))
                us[x] = UInt8(truncatingIfNeeded: pair)
                vs[x] = UInt8(truncatingIfNeeded: pair &>> 8)
            }
        }
    }

    /// Writes the luma bytes at `columns`.
    private func gather(_ row: Int, _ columns: [Int], _ target: UnsafeMutablePointer<UInt8>) {
        columns.withUnsafeBufferPointer { columns in
            for x in 0..<columns.count {
                target[x] = luma[row &+ columns[x]]
            }
        }
    }

    /// Writes the luma bytes at `left` and `right`, with one access where the two are neighbors in memory.
    private func gatherPairs(
        _ row: Int, _ left: Columns, _ right: Columns, _ lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    ) {
        // Columns ascend only in images without rotation.
        guard transform.isNone, let last = left.luma.last, row + last + 2 <= luma.count else {
            gather(row, left.luma, lefts)
            gather(row, right.luma, rights)
            return
        }
        @inline(__always)
        func split(_ x: Int, _ position: Int) {
            let both = UInt16(littleEndian: luma.loadUnaligned(fromByteOffset: position, as: UInt16.self))
            lefts[x] = UInt8(truncatingIfNeeded: both)
            rights[x] = UInt8(truncatingIfNeeded: both &>> 8)
        }
        let (count, start) = (left.luma.count, row + left.luma[0])
        // Without a table of offsets the loop can be vectorized.
        if left.areEverySecond {
            for x in 0..<count {
                split(x, start &+ 2 &* x)
            }
        } else {
            left.luma.withUnsafeBufferPointer { offsets in
                for x in 0..<count {
                    split(x, row &+ offsets[x])
                }
            }
        }
    }

    /// Writes red of all pixels, then green, then blue. Apart from `gather`, since only these loops can be vectorized.
    private func convert(
        _ bytes: UnsafePointer<UInt8>, _ terms: [Int16], _ count: Int, _ target: UnsafeMutablePointer<UInt8>
    ) {
        terms.withUnsafeBufferPointer { terms in
            withUnsafeTemporaryAllocation(of: Int16.self, capacity: Arithmetic.planes * count) { lumas in
                guard let terms = terms.baseAddress, let lumas = lumas.baseAddress else { return }
                arithmetic.luma(bytes, count, lumas)
                for channel in 0..<3 {
                    let chroma = terms + channel * Arithmetic.planes * count
                    Arithmetic.add(lumas, chroma, count, target + channel * count)
                }
            }
        }
    }
}
