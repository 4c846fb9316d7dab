/// The one bilinear of the kit: `runtime.inference.preprocessing.resize` states the arithmetic, and the bytes are the same.
///
/// Pixel centers are at halves; weights have 11 bits; across first, then down; an image that is
/// exactly halved is averaged, and one of the right size is copied.
///
/// Loops over values read and write plain arrays at one index each: the shape that the compiler makes vector
/// instructions of. Only `PixelSource` reads pixels one by one.
enum Bilinear {
    /// For each target pixel along one axis, the two source pixels that it lies between and their weights.
    struct Taps {
        let first: [Int]
        let second: [Int]
        let weights: [(first: Int32, second: Int32)]

        /// `clampsShare`: at the edges the one pixel there counts; otherwise both are clipped and keep their weights.
        init(source: Int, target: Int, clampsShare: Bool) {
            let scale = 1 / (Double(target) / Double(source))
            var first: [Int] = []
            var second: [Int] = []
            var weights: [(Int32, Int32)] = []
            for index in 0..<target {
                let position = Float((Double(index) + 0.5) * scale - 0.5)
                let before = position.rounded(.down)
                var share = position - before
                let place = Int(before)
                if clampsShare, place < 0 || place >= source - 1 {
                    share = 0
                }
                let start = clampsShare ? min(max(place, 0), source - 1) : place
                first.append(min(max(start, 0), source - 1))
                second.append(min(max(start + 1, 0), source - 1))
                weights.append((Taps.whole(1 - share), Taps.whole(share)))
            }
            self.first = first
            self.second = second
            self.weights = weights
        }

        private static func whole(_ weight: Float) -> Int32 {
            Int32((weight * 2048).rounded(.toNearestOrEven))
        }
    }

    /// Writes the image in `source`, `width` x `height`, as RGB bytes of `toWidth` x `toHeight` to `target`.
    static func resize<Source: PixelSource>(
        _ source: Source, width: Int, height: Int, toWidth: Int, toHeight: Int, target: UnsafeMutablePointer<UInt8>
    ) {
        if width == toWidth, height == toHeight {
            let columns = (0..<width).map(source.column)
            for y in 0..<height {
                source.read(source.row(y), columns, into: target + 3 * width * y)
            }
        } else if width == 2 * toWidth, height == 2 * toHeight {
            halve(source, toWidth, toHeight, target)
        } else {
            interpolate(
                source,
                Taps(source: width, target: toWidth, clampsShare: true),
                Taps(source: height, target: toHeight, clampsShare: false),
                target
            )
        }
    }

    private static func halve<Source: PixelSource>(
        _ source: Source, _ width: Int, _ height: Int, _ target: UnsafeMutablePointer<UInt8>
    ) {
        let left = (0..<width).map { source.column(2 * $0) }
        let right = (0..<width).map { source.column(2 * $0 + 1) }
        let count = 3 * width
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * count) { bytes in
            guard let a = bytes.baseAddress else { return }
            let (b, c, d) = (a + count, a + 2 * count, a + 3 * count)
            for y in 0..<height {
                let (top, bottom) = (source.row(2 * y), source.row(2 * y + 1))
                source.readPairs(top, left, right, into: a, b)
                source.readPairs(bottom, left, right, into: c, d)
                let out = target + y * count
                for index in 0..<count {
                    let upper = UInt16(a[index]) &+ UInt16(b[index])
                    let lower = UInt16(c[index]) &+ UInt16(d[index])
                    out[index] = UInt8(truncatingIfNeeded: (upper &+ lower &+ 2) &>> 2)
                }
            }
        }
    }

    private static func interpolate<Source: PixelSource>(
        _ source: Source, _ across: Taps, _ down: Taps, _ target: UnsafeMutablePointer<UInt8>
    ) {
        let left = across.first.map(source.column)
        let right = across.second.map(source.column)
        let count = 3 * left.count
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: 6 * count) { numbers in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * count) { bytes in
                guard let numbers = numbers.baseAddress, let lefts = bytes.baseAddress else { return }
                let rights = lefts + count
                let (coarse, fine) = (numbers, numbers + count)
                spread(across.weights, coarse, fine)
                let downWeights = numbers + 2 * count
                var (upper, lower) = (numbers + 4 * count, numbers + 5 * count)
                // Which source rows the two hold; neighbours in the target share theirs.
                var (held, heldNext) = (-1, -1)
                func fill(_ row: Int, _ out: UnsafeMutablePointer<Int16>) {
                    let place = source.row(row)
                    source.readPairs(place, left, right, into: lefts, rights)
                    blendAcross(lefts, rights, coarse, fine, count, out)
                }
                for y in down.first.indices {
                    let (top, bottom) = (down.first[y], down.second[y])
                    if top == heldNext, top != held {
                        swap(&upper, &lower)
                        swap(&held, &heldNext)
                    }
                    if top != held {
                        fill(top, upper)
                        held = top
                    }
                    if bottom != heldNext {
                        fill(bottom, lower)
                        heldNext = bottom
                    }
                    blendDown(upper, lower, down.weights[y], downWeights, count, target + y * count)
                }
            }
        }
    }

    /// The right pixel's weights in sixteenths and what is left of them, beside each value.
    private static func spread(
        _ weights: [(first: Int32, second: Int32)], _ coarse: UnsafeMutablePointer<Int16>,
        _ fine: UnsafeMutablePointer<Int16>
    ) {
        for index in 0..<3 * weights.count {
            let weight = Int16(truncatingIfNeeded: weights[index / 3].second)
            coarse[index] = weight &>> 4
            fine[index] = weight & 15
        }
    }

    /// (w0 * left + w1 * right) >> 4, at most 255 * 2048 / 16 = 32640, without leaving 16 bits.
    ///
    /// For a target of up to `Preprocessor.mostSide`, w0 + w1 is 2048 across: rounding could only make another sum
    /// where f is nearer than 2^-24 to half a step of the weights without lying there, and what lies beside it is
    /// 1 / (4096 * side) away. So this is 128 * left + (w1 * (right - left)) >> 4, with w1 = 16 * coarse + fine.
    private static func blendAcross(
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

    /// (((w0 * upper) >> 16) + ((w1 * lower) >> 16) + 2) >> 2
    ///
    /// `spread` has room for both weights beside each value, which is what makes 16-bit products of it.
    private static func blendDown(
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
