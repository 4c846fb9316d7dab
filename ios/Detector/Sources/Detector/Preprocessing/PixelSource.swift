/// The upright image in a frame's bytes, whichever way it is stored. Nothing is checked: `Frame` has done that.
///
/// Where a pixel lies is the sum of what its column and its row add, so that rotation costs nothing.
protocol PixelSource {
    associatedtype Place
    func column(_ x: Int) -> Place
    func row(_ y: Int) -> Place
    /// Writes red, green and blue of the row's pixels at `columns` to `target`, three bytes a pixel.
    func read(_ row: Place, _ columns: [Place], into target: UnsafeMutablePointer<UInt8>)
    /// Does so for the columns `left` and for `right`, each the next one of `left`. Beside the last column of the
    /// image there is none: what `rights` has there means nothing.
    func readPairs(
        _ row: Place, _ left: [Place], _ right: [Place], into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    )
}

extension PixelSource {
    func readPairs(
        _ row: Place, _ left: [Place], _ right: [Place], into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    ) {
        read(row, left, into: lefts)
        read(row, right, into: rights)
    }
}

/// Red, green and blue in the lowest three bytes, red lowest. The highest byte means nothing.
typealias RGB = UInt32

/// Writes `count` pixels, three bytes each.
@inline(__always)
func write(_ count: Int, to target: UnsafeMutablePointer<UInt8>, _ pixel: (Int) -> RGB) {
    for x in 0..<count - 1 {
        write(pixel(x), to: target, x)
    }
    writeLast(pixel(count - 1), to: target, count - 1)
}

/// Four bytes at once are written faster than three; the next pixel overwrites the fourth.
@inline(__always)
private func write(_ pixel: RGB, to target: UnsafeMutablePointer<UInt8>, _ x: Int) {
    UnsafeMutableRawPointer(target).storeBytes(of: pixel.littleEndian, toByteOffset: 3 &* x, as: RGB.self)
}

private func writeLast(_ pixel: RGB, to target: UnsafeMutablePointer<UInt8>, _ x: Int) {
    for channel in 0..<3 {
        target[3 * x + channel] = UInt8(truncatingIfNeeded: pixel &>> UInt32(8 * channel))
    }
}

/// How stored places follow from upright ones: each is the sum of what its column and its row add.
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

    /// What the upright column `x` adds to the stored x and y.
    func column(_ x: Int) -> (x: Int, y: Int) {
        switch rotation {
        case .none: (x, 0)
        case .right: (0, height - 1 - x)
        case .half: (width - 1 - x, 0)
        case .left: (0, x)
        }
    }

    /// What the upright row `y` adds to the stored x and y.
    func row(_ y: Int) -> (x: Int, y: Int) {
        switch rotation {
        case .none: (0, y)
        case .right: (y, 0)
        case .half: (0, height - 1 - y)
        case .left: (width - 1 - y, 0)
        }
    }
}

/// Pixels whose channels lie side by side: R, G, B or B, G, R and a fourth byte.
struct Interleaved: PixelSource {
    enum Order {
        case rgb, bgra
    }

    let bytes: UnsafeRawBufferPointer
    let bytesPerRow: Int
    let order: Order
    let transform: RotationTransform

    func column(_ x: Int) -> Int { offset(transform.column(x)) }
    func row(_ y: Int) -> Int { offset(transform.row(y)) }

    private func offset(_ place: (x: Int, y: Int)) -> Int {
        place.x * (order == .rgb ? 3 : 4) + place.y * bytesPerRow
    }

    func read(_ row: Int, _ columns: [Int], into target: UnsafeMutablePointer<UInt8>) {
        columns.withUnsafeBufferPointer { columns in
            switch order {
            case .bgra:
                write(columns.count, to: target) { word(row &+ columns[$0]).byteSwapped &>> 8 }
            case .rgb:
                // Four bytes at once are read faster than three, but the very last pixel may have only three.
                write(columns.count, to: target) { x in
                    let place = row &+ columns[x]
                    return place &+ 4 <= bytes.count ? word(place) : three(place)
                }
            }
        }
    }

    /// Neighbours in one row of the buffer are read at once.
    func readPairs(
        _ row: Int, _ left: [Int], _ right: [Int], into lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>
    ) {
        // The columns of an image that is not turned ascend.
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
                    // Backwards: what was the right pixel's alpha is the lowest byte.
                    let turned = both.byteSwapped
                    return (RGB(truncatingIfNeeded: turned &>> 40), RGB(truncatingIfNeeded: turned &>> 8))
                }
            }
        }
    }

    @inline(__always)
    private func pairs(
        _ row: Int, _ places: UnsafeBufferPointer<Int>, _ lefts: UnsafeMutablePointer<UInt8>,
        _ rights: UnsafeMutablePointer<UInt8>, _ split: (UInt64) -> (RGB, RGB)
    ) {
        @inline(__always)
        func pair(_ x: Int) -> (RGB, RGB) {
            split(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: row &+ places[x], as: UInt64.self)))
        }
        let last = places.count - 1
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
    private func word(_ place: Int) -> RGB {
        RGB(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: RGB.self))
    }

    private func three(_ place: Int) -> RGB {
        RGB(bytes[place]) | RGB(bytes[place + 1]) << 8 | RGB(bytes[place + 2]) << 16
    }
}
