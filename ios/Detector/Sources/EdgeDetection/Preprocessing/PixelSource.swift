/// Reads a frame's pixels as an upright image. Does no bounds checks: `Frame` has validated the sizes.
///
/// The offset of a pixel is the sum of a column offset and a row offset, so that rotation costs nothing.
protocol PixelSource {
    associatedtype Offset
    associatedtype Columns
    /// Whether pixels are written as red of all, then green, then blue; otherwise as three bytes for each pixel.
    static var isPlanar: Bool { get }
    func columns(_ positions: [Int]) -> Columns
    func row(_ y: Int) -> Offset
    /// Writes the row's pixels at `columns` to `target`: red, green and blue.
    func read(_ row: Offset, _ columns: Columns, into target: UnsafeMutablePointer<UInt8>)
    /// Reads pairs of columns; each one of `right` follows its `left` one. The right neighbor of the image's last column
    /// does not exist; its value in `rights` is undefined.
    func readPairs(
        _ row: Offset, _ left: Columns, _ right: Columns, into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    )
}

/// A packed pixel with red in the lowest byte, then green, then blue. The highest byte is undefined.
typealias RGB = UInt32

/// Writes `count` pixels of three bytes each.
@inline(__always)
func writePixels(_ count: Int, to target: UnsafeMutablePointer<UInt8>, _ pixel: (Int) -> RGB) {
    for x in 0..<count - 1 {
        write(pixel(x), to: target, x)
    }
    writeLast(pixel(count - 1), to: target, count - 1)
}

/// Writes four bytes, which is faster than three; the next pixel overwrites the fourth.
@inline(__always)
private func write(_ pixel: RGB, to target: UnsafeMutablePointer<UInt8>, _ x: Int) {
    UnsafeMutableRawPointer(target).storeBytes(of: pixel.littleEndian, toByteOffset: 3 &* x, as: RGB.self)
}

private func writeLast(_ pixel: RGB, to target: UnsafeMutablePointer<UInt8>, _ x: Int) {
    for channel in 0..<3 {
        target[3 * x + channel] = UInt8(truncatingIfNeeded: pixel &>> UInt32(8 * channel))
    }
}

/// Maps upright coordinates to stored ones, as the sum of a column and a row contribution.
struct RotationTransform {
    private let rotation: Rotation
    private let width: Int
    private let height: Int

    var isNone: Bool { rotation == .none }

    init(_ frame: Frame) {
        rotation = frame.rotation
        width = frame.width
        height = frame.height
    }

    /// The contribution of the upright column `x` to the stored x and y.
    func column(_ x: Int) -> (x: Int, y: Int) {
        switch rotation {
        case .none: (x, 0)
        case .right: (0, height - 1 - x)
        case .half: (width - 1 - x, 0)
        case .left: (0, x)
        }
    }

    /// The contribution of the upright row `y` to the stored x and y.
    func row(_ y: Int) -> (x: Int, y: Int) {
        switch rotation {
        case .none: (0, y)
        case .right: (y, 0)
        case .half: (0, height - 1 - y)
        case .left: (width - 1 - y, 0)
        }
    }
}

/// A source of interleaved pixels: R, G, B, or B, G, R and an unused byte.
struct Interleaved: PixelSource {
    enum Order {
        case rgb, bgra
    }

    static let isPlanar = false

    let bytes: UnsafeRawBufferPointer
    let bytesPerRow: Int
    let order: Order
    let transform: RotationTransform

    func columns(_ positions: [Int]) -> [Int] { positions.map { offset(transform.column($0)) } }
    func row(_ y: Int) -> Int { offset(transform.row(y)) }

    private func offset(_ position: (x: Int, y: Int)) -> Int {
        position.x * (order == .rgb ? 3 : 4) + position.y * bytesPerRow
    }

    func read(_ row: Int, _ columns: [Int], into target: UnsafeMutablePointer<UInt8>) {
        columns.withUnsafeBufferPointer { columns in
            switch order {
            case .bgra:
                writePixels(columns.count, to: target) { uint32(row &+ columns[$0]).byteSwapped &>> 8 }
            case .rgb:
                // Reading four bytes at once is faster than three, but the last pixel may have only three.
                writePixels(columns.count, to: target) { x in
                    let position = row &+ columns[x]
                    return position &+ 4 <= bytes.count ? uint32(position) : uint24(position)
                }
            }
        }
    }

    /// Reads both pixels of a pair at once if they are adjacent in the buffer.
    func readPairs(
        _ row: Int, _ left: [Int], _ right: [Int], into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    ) {
        // Columns ascend only in images without rotation.
        guard transform.isNone, let last = left.last, row + last + 8 <= bytes.count else {
            read(row, left, into: lefts)
            read(row, right, into: rights)
            return
        }
        left.withUnsafeBufferPointer { left in
            switch order {
            case .rgb:
                pairs(row, left, lefts, rights) { (RGB(truncatingIfNeeded: $0), RGB(truncatingIfNeeded: $0 &>> 24)) }
            case .bgra:
                pairs(row, left, lefts, rights) { both in
                    // Reversed, the right pixel's unused byte is the lowest.
                    let swapped = both.byteSwapped
                    return (RGB(truncatingIfNeeded: swapped &>> 40), RGB(truncatingIfNeeded: swapped &>> 8))
                }
            }
        }
    }

    @inline(__always)
    private func pairs(
        _ row: Int, _ offsets: UnsafeBufferPointer<Int>, _ lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>, _ split: (UInt64) -> (RGB, RGB)
    ) {
        @inline(__always)
        func pair(_ x: Int) -> (RGB, RGB) {
            split(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: row &+ offsets[x], as: UInt64.self)))
        }
        let last = offsets.count - 1
        for x in 0..<last {
            let (one, next) = pair(x)
            write(one, to: lefts, x)
            write(next, to: rights, x)
        }
        let (one, next) = pair(last)
        writeLast(one, to: lefts, last)
        writeLast(next, to: rights, last)
    }

    @inline(__always)
    private func uint32(_ position: Int) -> RGB {
        RGB(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: RGB.self))
    }

    private func uint24(_ position: Int) -> RGB {
        RGB(bytes[position]) | RGB(bytes[position + 1]) << 8 | RGB(bytes[position + 2]) << 16
    }
}
