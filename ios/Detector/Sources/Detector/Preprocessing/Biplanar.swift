/// Luma by pixel, U and V by block of 2 x 2.
///
/// What chroma adds to a pixel is worked out once for those that share it: in a row where a camera has twice the
/// model's width, and in rows that follow each other. One frame's rows are always read at the same columns.
struct Biplanar: PixelSource {
    struct Place {
        let luma: Int
        let chroma: Int
    }

    let luma: UnsafeRawBufferPointer
    let lumaPerRow: Int
    let chroma: UnsafeRawBufferPointer
    let chromaPerRow: Int
    let factors: YUVFactors
    let transform: RotationTransform
    private let ofLefts = ChromaRow()
    private let ofRights = ChromaRow()

    /// What chroma adds to the pixels of the row that was read last.
    private final class ChromaRow {
        var place = -1
        /// Red of all pixels, then green, then blue.
        var terms: [Int32] = []
        /// Whether the left pixels' terms are these too; not known before the first row.
        var areThoseOfLefts: Bool?
    }

    func column(_ x: Int) -> Place { offset(transform.column(x)) }
    func row(_ y: Int) -> Place { offset(transform.row(y)) }

    private func offset(_ place: (x: Int, y: Int)) -> Place {
        Place(
            luma: place.x + place.y * lumaPerRow,
            chroma: place.x / 2 * 2 + place.y / 2 * chromaPerRow
        )
    }

    func read(_ row: Place, _ columns: [Place], into target: UnsafeMutablePointer<UInt8>) {
        convert(row, columns, terms(ofLefts, row, columns), target)
    }

    func readPairs(
        _ row: Place, _ left: [Place], _ right: [Place], into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    ) {
        convert(row, left, terms(ofLefts, row, left), lefts)
        let areShared = ofRights.areThoseOfLefts ?? zip(left, right).allSatisfy { $0.chroma == $1.chroma }
        ofRights.areThoseOfLefts = areShared
        convert(row, right, areShared ? ofLefts.terms : terms(ofRights, row, right), rights)
    }

    private func terms(_ known: ChromaRow, _ row: Place, _ columns: [Place]) -> [Int32] {
        let count = columns.count
        guard known.place != row.chroma || known.terms.count != 3 * count else { return known.terms }
        known.place = row.chroma
        if known.terms.count != 3 * count {
            known.terms = [Int32](repeating: 0, count: 3 * count)
        }
        known.terms.withUnsafeMutableBufferPointer { terms in
            for (x, column) in columns.enumerated() {
                let pair = row.chroma &+ column.chroma
                let (red, green, blue) = factors.chroma(chroma[pair], chroma[pair &+ 1])
                terms[x] = red
                terms[count &+ x] = green
                terms[2 &* count &+ x] = blue
            }
        }
        return known.terms
    }

    /// Gathers luma first and converts all of it after that: vector instructions can do the latter only.
    private func convert(_ row: Place, _ columns: [Place], _ terms: [Int32], _ target: UnsafeMutablePointer<UInt8>) {
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
