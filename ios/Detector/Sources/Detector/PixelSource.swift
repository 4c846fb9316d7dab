/// Red, green and blue, 0...255.
struct RGB {
    let red: Int32
    let green: Int32
    let blue: Int32

    @inline(__always)
    init(_ red: Int32, _ green: Int32, _ blue: Int32) {
        self.red = red
        self.green = green
        self.blue = blue
    }
}

/// The upright picture in a frame's bytes, whichever way it is stored. Nothing is checked: `Frame` has done that.
///
/// Where a pixel lies is the sum of what its column and its row add, so that rotation costs nothing.
protocol PixelSource {
    associatedtype Place
    func column(_ x: Int) -> Place
    func row(_ y: Int) -> Place
    func pixel(_ row: Place, _ column: Place) -> RGB
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

/// Pixels whose channels lie side by side.
struct Interleaved: PixelSource {
    let bytes: UnsafePointer<UInt8>
    let bytesPerRow: Int
    let bytesPerPixel: Int
    let red: Int
    let blue: Int
    let turn: Turn

    func column(_ x: Int) -> Int { offset(turn.column(x)) }
    func row(_ y: Int) -> Int { offset(turn.row(y)) }

    private func offset(_ place: (x: Int, y: Int)) -> Int {
        place.x * bytesPerPixel + place.y * bytesPerRow
    }

    @inline(__always)
    func pixel(_ row: Int, _ column: Int) -> RGB {
        let pixel = bytes + (row &+ column)
        return RGB(Int32(pixel[red]), Int32(pixel[1]), Int32(pixel[blue]))
    }
}

/// Luma by pixel, U and V by block of 2 x 2.
struct Biplanar: PixelSource {
    struct Place {
        let luma: Int
        let chroma: Int
    }

    let luma: UnsafePointer<UInt8>
    let lumaPerRow: Int
    let chroma: UnsafePointer<UInt8>
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

    @inline(__always)
    func pixel(_ row: Place, _ column: Place) -> RGB {
        let pair = chroma + (row.chroma &+ column.chroma)
        return factors.rgb(luma[row.luma &+ column.luma], pair[0], pair[1])
    }
}
