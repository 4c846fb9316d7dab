/// A source of bi-planar YUV 4:2:0 pixels.
///
/// Chroma is converted once for pixels that share it: both pixels of a pair if a camera has twice the model's width, and
/// adjacent rows. This requires that all rows of a frame are read at the same columns.
struct Biplanar: PixelSource {
    struct Offset {
        let luma: Int
        let chroma: Int
    }

    let luma: UnsafeRawBufferPointer
    let lumaPerRow: Int
    let chroma: UnsafeRawBufferPointer
    let chromaPerRow: Int
    let factors: YUVFactors
    let transform: RotationTransform
    private let leftChroma = ChromaRow()
    private let rightChroma = ChromaRow()

    /// The chroma terms of the row that was read last.
    private final class ChromaRow {
        var row = -1
        /// Red of all pixels, then green, then blue.
        var terms: [Int32] = []
        /// Whether the left pixels have the same terms; nil before the first row.
        var equalLeft: Bool?
    }

    func column(_ x: Int) -> Offset { offset(transform.column(x)) }
    func row(_ y: Int) -> Offset { offset(transform.row(y)) }

    private func offset(_ position: (x: Int, y: Int)) -> Offset {
        Offset(
            luma: position.x + position.y * lumaPerRow,
            chroma: position.x / 2 * 2 + position.y / 2 * chromaPerRow
        )
    }

    func read(_ row: Offset, _ columns: [Offset], into target: UnsafeMutablePointer<UInt8>) {
        convert(row, columns, terms(leftChroma, row, columns), target)
    }

    func readPairs(
        _ row: Offset, _ left: [Offset], _ right: [Offset], into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    ) {
        convert(row, left, terms(leftChroma, row, left), lefts)
        let areShared = rightChroma.equalLeft ?? zip(left, right).allSatisfy { $0.chroma == $1.chroma }
        rightChroma.equalLeft = areShared
        convert(row, right, areShared ? leftChroma.terms : terms(rightChroma, row, right), rights)
    }

    private func terms(_ cached: ChromaRow, _ row: Offset, _ columns: [Offset]) -> [Int32] {
        let count = columns.count
        guard cached.row != row.chroma || cached.terms.count != 3 * count else { return cached.terms }
        cached.row = row.chroma
        if cached.terms.count != 3 * count {
            cached.terms = [Int32](repeating: 0, count: 3 * count)
        }
        cached.terms.withUnsafeMutableBufferPointer { terms in
            for (x, column) in columns.enumerated() {
                let pair = row.chroma &+ column.chroma
                let (red, green, blue) = factors.chroma(chroma[pair], chroma[pair &+ 1])
                terms[x] = red
                terms[count &+ x] = green
                terms[2 &* count &+ x] = blue
            }
        }
        return cached.terms
    }

    /// Gathers luma first and converts it in a second loop, since only the latter can be vectorized.
    private func convert(_ row: Offset, _ columns: [Offset], _ terms: [Int32], _ target: UnsafeMutablePointer<UInt8>) {
        let count = columns.count
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { lumas in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * count) { channels in
                guard let lumas = lumas.baseAddress, let red = channels.baseAddress else { return }
                let (green, blue) = (red + count, red + 2 * count)
                columns.withUnsafeBufferPointer { columns in
                    factors.luma.withUnsafeBufferPointer { table in
                        for x in 0..<count {
                            lumas[x] = table[Int(luma[row.luma &+ columns[x].luma])]
                        }
                    }
                }
                terms.withUnsafeBufferPointer { terms in
                    guard let terms = terms.baseAddress else { return }
                    Biplanar.add(lumas, terms, count, red)
                    Biplanar.add(lumas, terms + count, count, green)
                    Biplanar.add(lumas, terms + 2 * count, count, blue)
                }
                write(count, to: target) { RGB(red[$0]) | RGB(green[$0]) &<< 8 | RGB(blue[$0]) &<< 16 }
            }
        }
    }

    private static func add(
        _ luma: UnsafePointer<Int32>, _ chroma: UnsafePointer<Int32>, _ count: Int, _ out: UnsafeMutablePointer<UInt8>
    ) {
        for x in 0..<count {
            out[x] = YUVFactors.channel(luma[x], chroma[x])
        }
    }
}
