/// The upright picture in a frame's bytes, whichever way it is stored. Nothing is checked: `Frame` has done that.
///
/// Where a pixel lies is the sum of what its column and its row add, so that rotation costs nothing.
protocol PixelSource {
    associatedtype Place
    func column(_ x: Int) -> Place
    func row(_ y: Int) -> Place
    /// Writes red, green and blue of the row's pixels at `columns` to `target`, three bytes a pixel.
    func read(_ row: Place, _ columns: [Place], into target: UnsafeMutablePointer<UInt8>)
}

/// Red, green and blue in the lowest three bytes, red lowest. The highest byte means nothing.
private typealias RGB = UInt32

/// Writes `count` pixels, three bytes each.
@inline(__always)
private func write(_ count: Int, to target: UnsafeMutablePointer<UInt8>, _ pixel: (Int) -> RGB) {
    let bytes = UnsafeMutableRawPointer(target)
    // Four bytes at once are written faster than three; the next pixel overwrites the fourth.
    for x in 0..<count - 1 {
        bytes.storeBytes(of: pixel(x).littleEndian, toByteOffset: 3 &* x, as: UInt32.self)
    }
    let last = pixel(count - 1)
    for channel in 0..<3 {
        target[3 * (count - 1) + channel] = UInt8(truncatingIfNeeded: last &>> UInt32(8 * channel))
    }
}

/// How stored places follow from upright ones: each is the sum of what its column and its row add.
struct Turn {
    private let rotation: Rotation
    private let width: Int
    private let height: Int

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
    let turn: Turn

    func column(_ x: Int) -> Int { offset(turn.column(x)) }
    func row(_ y: Int) -> Int { offset(turn.row(y)) }

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

    @inline(__always)
    private func word(_ place: Int) -> RGB {
        RGB(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: RGB.self))
    }

    private func three(_ place: Int) -> RGB {
        RGB(bytes[place]) | RGB(bytes[place + 1]) << 8 | RGB(bytes[place + 2]) << 16
    }
}

/// Luma by pixel, U and V by block of 2 x 2.
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
    let turn: Turn

    func column(_ x: Int) -> Place { offset(turn.column(x)) }
    func row(_ y: Int) -> Place { offset(turn.row(y)) }

    private func offset(_ place: (x: Int, y: Int)) -> Place {
        Place(
            luma: place.x + place.y * lumaPerRow,
            chroma: place.x / 2 * 2 + place.y / 2 * chromaPerRow
        )
    }

    /// Gathers bytes first and converts them all after it: vector instructions can do the latter only.
    func read(_ row: Place, _ columns: [Place], into target: UnsafeMutablePointer<UInt8>) {
        let count = columns.count
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * count) { bytes in
            withUnsafeTemporaryAllocation(of: RGB.self, capacity: count) { pixels in
                guard let y = bytes.baseAddress, let pixels = pixels.baseAddress else { return }
                let (u, v) = (y + count, y + 2 * count)
                columns.withUnsafeBufferPointer { columns in
                    for x in 0..<count {
                        let pair = row.chroma &+ columns[x].chroma
                        y[x] = luma[row.luma &+ columns[x].luma]
                        u[x] = chroma[pair]
                        v[x] = chroma[pair &+ 1]
                    }
                }
                for x in 0..<count {
                    pixels[x] = factors.rgb(y[x], u[x], v[x])
                }
                write(count, to: target) { pixels[$0] }
            }
        }
    }
}
