/// Bilinear resizing that gives the same bytes as `runtime.inference.preprocessing.resize`, which specifies it.
///
/// Pixel centers are at half-integer coordinates and weights have 11 bits. Rows are interpolated horizontally first, then
/// vertically. An image of exactly twice the size is averaged, and one of the target size is copied.
///
/// Loops access plain arrays at a single index, so that the compiler vectorizes them. Only `PixelSource` reads single
/// pixels.
enum Bilinear {
    /// The two source pixels on both sides of each target pixel along one axis, and their weights.
    struct Taps {
        let first: [Int]
        let second: [Int]
        let weights: [(first: Int32, second: Int32)]

        /// - Parameter clampsFraction: Whether edge pixels get all the weight. Otherwise indices are clipped and weights are
        ///   kept.
        init(source: Int, target: Int, clampsFraction: Bool) {
            let scale = 1 / (Double(target) / Double(source))
            var first: [Int] = []
            var second: [Int] = []
            var weights: [(Int32, Int32)] = []
            for index in 0..<target {
                let position = Float((Double(index) + 0.5) * scale - 0.5)
                let floor = position.rounded(.down)
                var fraction = position - floor
                let pixel = Int(floor)
                if clampsFraction, pixel < 0 || pixel >= source - 1 {
                    fraction = 0
                }
                let start = clampsFraction ? min(max(pixel, 0), source - 1) : pixel
                first.append(min(max(start, 0), source - 1))
                second.append(min(max(start + 1, 0), source - 1))
                weights.append((Taps.toFixedPoint(1 - fraction), Taps.toFixedPoint(fraction)))
            }
            self.first = first
            self.second = second
            self.weights = weights
        }

        private static func toFixedPoint(_ weight: Float) -> Int32 {
            Int32((weight * 2048).rounded(.toNearestOrEven))
        }
    }

    /// Resizes the image in `source` from `width` x `height` to `toWidth` x `toHeight` pixels and writes RGB to `target`.
    static func resize<Source: PixelSource>(
        _ source: Source, width: Int, height: Int, toWidth: Int, toHeight: Int, target: UnsafeMutablePointer<UInt8>
    ) {
        if width == toWidth, height == toHeight {
            let columns = source.columns(Array(0..<width))
            inRows(Source.self, width, target, height) { y, row in source.read(source.row(y), columns, into: row) }
        } else if width == 2 * toWidth, height == 2 * toHeight {
            halve(source, toWidth, toHeight, target)
        } else {
            interpolate(
                source,
                Taps(source: width, target: toWidth, clampsFraction: true),
                Taps(source: height, target: toHeight, clampsFraction: false),
                target
            )
        }
    }

    private static func halve<Source: PixelSource>(
        _ source: Source, _ width: Int, _ height: Int, _ target: UnsafeMutablePointer<UInt8>
    ) {
        let left = source.columns((0..<width).map { 2 * $0 })
        let right = source.columns((0..<width).map { 2 * $0 + 1 })
        let count = 3 * width
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * count) { bytes in
            guard let a = bytes.baseAddress else { return }
            let (b, c, d) = (a + count, a + 2 * count, a + 3 * count)
            inRows(Source.self, width, target, height) { y, out in
                let (top, bottom) = (source.row(2 * y), source.row(2 * y + 1))
                source.readPairs(top, left, right, into: a, b)
                source.readPairs(bottom, left, right, into: c, d)
                for index in 0..<count {
                    let upper = UInt16(a[index]) &+ UInt16(b[index])
                    let lower = UInt16(c[index]) &+ UInt16(d[index])
                    out[index] = UInt8(truncatingIfNeeded: (upper &+ lower &+ 2) &>> 2)
                }
            }
        }
    }

    private static func interpolate<Source: PixelSource>(
        _ source: Source, _ horizontal: Taps, _ vertical: Taps, _ target: UnsafeMutablePointer<UInt8>
    ) {
        let left = source.columns(horizontal.first)
        let right = source.columns(horizontal.second)
        let width = horizontal.first.count
        let count = 3 * width
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: 6 * count) { numbers in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * count) { bytes in
                guard let numbers = numbers.baseAddress, let lefts = bytes.baseAddress else { return }
                let rights = lefts + count
                let (coarse, fine) = (numbers, numbers + count)
                spread(horizontal.weights, isPlanar: Source.isPlanar, coarse, fine)
                // So it is where a side is scaled by an even number, as cameras' often are.
                let areCoarse = horizontal.weights.allSatisfy { $0.second & 15 == 0 }
                let verticalWeights = numbers + 2 * count
                var (upper, lower) = (numbers + 4 * count, numbers + 5 * count)
                // The source rows in `upper` and `lower`; neighboring target rows share them.
                var (upperRow, lowerRow) = (-1, -1)
                func fill(_ row: Int, _ out: UnsafeMutablePointer<Int16>) {
                    let offset = source.row(row)
                    source.readPairs(offset, left, right, into: lefts, rights)
                    if areCoarse {
                        blendHorizontal(lefts, rights, coarse, count, out)
                    } else {
                        blendHorizontal(lefts, rights, coarse, fine, count, out)
                    }
                }
                inRows(Source.self, width, target, vertical.first.count) { y, row in
                    let (top, bottom) = (vertical.first[y], vertical.second[y])
                    if top == lowerRow, top != upperRow {
                        swap(&upper, &lower)
                        swap(&upperRow, &lowerRow)
                    }
                    if top != upperRow {
                        fill(top, upper)
                        upperRow = top
                    }
                    if bottom != lowerRow {
                        fill(bottom, lower)
                        lowerRow = bottom
                    }
                    blendVertical(upper, lower, vertical.weights[y], verticalWeights, count, row)
                }
            }
        }
    }

    /// Calls `write` for each of `height` rows and gives it the place for the row's values; where the source's are planar,
    /// they are interleaved afterwards.
    @inline(__always)
    private static func inRows<Source: PixelSource>(
        _ source: Source.Type, _ width: Int, _ target: UnsafeMutablePointer<UInt8>, _ height: Int,
        _ write: (_ y: Int, _ row: UnsafeMutablePointer<UInt8>) -> Void
    ) {
        guard Source.isPlanar else {
            for y in 0..<height {
                write(y, target + 3 * width * y)
            }
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * width) { row in
            guard let red = row.baseAddress else { return }
            for y in 0..<height {
                write(y, red)
                interleave(red, red + width, red + 2 * width, width, target + 3 * width * y)
            }
        }
    }

    private static func interleave(
        _ red: UnsafePointer<UInt8>, _ green: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ width: Int,
        _ target: UnsafeMutablePointer<UInt8>
    ) {
        writePixels(width, to: target) { RGB(red[$0]) | RGB(green[$0]) &<< 8 | RGB(blue[$0]) &<< 16 }
    }

    /// Splits the right pixel's weights into multiples of 16 and remainders, one for each value.
    private static func spread(
        _ weights: [(first: Int32, second: Int32)], isPlanar: Bool, _ coarse: UnsafeMutablePointer<Int16>,
        _ fine: UnsafeMutablePointer<Int16>
    ) {
        for index in 0..<3 * weights.count {
            let pixel = isPlanar ? index % weights.count : index / 3
            let weight = Int16(truncatingIfNeeded: weights[pixel].second)
            coarse[index] = weight &>> 4
            fine[index] = weight & 15
        }
    }

    /// (w0 * left + w1 * right) >> 4, at most 255 * 2048 / 16 = 32640, computed in 16 bits.
    ///
    /// The horizontal weights w0 and w1 always add up to 2048: rounding could change the sum only if the fraction were
    /// within 2^-24 of half a weight step but not exactly there, and other fractions are at least 1 / (4096 * side) away
    /// from it for targets of up to `Preprocessor.maxSide`. So the result equals
    /// 128 * left + (w1 * (right - left)) >> 4, with w1 = 16 * coarse + fine.
    private static func blendHorizontal(
        _ left: UnsafeMutablePointer<UInt8>, _ right: UnsafeMutablePointer<UInt8>,
        _ coarse: UnsafeMutablePointer<Int16>, _ fine: UnsafeMutablePointer<Int16>, _ count: Int,
        _ target: UnsafeMutablePointer<Int16>
    ) {
        for index in 0..<count {
            let one = Int16(left[index])
            let step = Int16(right[index]) &- one
            target[index] = one &<< 7 &+ coarse[index] &* step &+ (fine[index] &* step) &>> 4
        }
    }

    /// The same where all remainders are 0.
    private static func blendHorizontal(
        _ left: UnsafeMutablePointer<UInt8>, _ right: UnsafeMutablePointer<UInt8>,
        _ coarse: UnsafeMutablePointer<Int16>, _ count: Int, _ target: UnsafeMutablePointer<Int16>
    ) {
        for index in 0..<count {
            let one = Int16(left[index])
            target[index] = one &<< 7 &+ coarse[index] &* (Int16(right[index]) &- one)
        }
    }

    /// (((w0 * upper) >> 16) + ((w1 * lower) >> 16) + 2) >> 2
    ///
    /// `spread` has room for both weights of each value, so that the products are vectorized in 16 bits.
    private static func blendVertical(
        _ upper: UnsafeMutablePointer<Int16>, _ lower: UnsafeMutablePointer<Int16>,
        _ weights: (first: Int32, second: Int32), _ spread: UnsafeMutablePointer<Int16>, _ count: Int,
        _ target: UnsafeMutablePointer<UInt8>
    ) {
        let (first, second) = (spread, spread + count)
        first.update(repeating: Int16(weights.first), count: count)
        second.update(repeating: Int16(weights.second), count: count)
        for index in 0..<count {
            let top = Int16(truncatingIfNeeded: (Int32(first[index]) &* Int32(upper[index])) &>> 16)
            let bottom = Int16(truncatingIfNeeded: (Int32(second[index]) &* Int32(lower[index])) &>> 16)
            target[index] = UInt8(truncatingIfNeeded: (top &+ bottom &+ 2) &>> 2)
        }
    }
}
