/// The one bilinear of the kit: `runtime.preprocess.resize` states the arithmetic, and the bytes are the same.
///
/// Pixel centres are at halves; weights have 11 bits; across first, then down; a picture that is
/// exactly halved is averaged, and one of the right size is copied.
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

    /// Writes the picture in `source`, `width` x `height`, as RGB bytes of `toWidth` x `toHeight` to `target`.
    static func resize<Source: PixelSource>(
        _ source: Source, width: Int, height: Int, toWidth: Int, toHeight: Int, target: UnsafeMutablePointer<UInt8>
    ) {
        if width == toWidth, height == toHeight {
            copy(source, width, height, target)
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

    private static func copy<Source: PixelSource>(
        _ source: Source, _ width: Int, _ height: Int, _ target: UnsafeMutablePointer<UInt8>
    ) {
        let columns = (0..<width).map(source.column)
        var out = target
        for y in 0..<height {
            let row = source.row(y)
            for x in 0..<width {
                let pixel = source.pixel(row, columns[x])
                out[0] = UInt8(truncatingIfNeeded: pixel.red)
                out[1] = UInt8(truncatingIfNeeded: pixel.green)
                out[2] = UInt8(truncatingIfNeeded: pixel.blue)
                out += 3
            }
        }
    }

    private static func halve<Source: PixelSource>(
        _ source: Source, _ width: Int, _ height: Int, _ target: UnsafeMutablePointer<UInt8>
    ) {
        let columns = (0..<2 * width).map(source.column)
        var out = target
        for y in 0..<height {
            let (top, bottom) = (source.row(2 * y), source.row(2 * y + 1))
            for x in 0..<width {
                let a = source.pixel(top, columns[2 * x]), b = source.pixel(top, columns[2 * x + 1])
                let c = source.pixel(bottom, columns[2 * x]), d = source.pixel(bottom, columns[2 * x + 1])
                out[0] = UInt8(truncatingIfNeeded: (a.red &+ b.red &+ c.red &+ d.red &+ 2) &>> 2)
                out[1] = UInt8(truncatingIfNeeded: (a.green &+ b.green &+ c.green &+ d.green &+ 2) &>> 2)
                out[2] = UInt8(truncatingIfNeeded: (a.blue &+ b.blue &+ c.blue &+ d.blue &+ 2) &>> 2)
                out += 3
            }
        }
    }

    private static func interpolate<Source: PixelSource>(
        _ source: Source, _ across: Taps, _ down: Taps, _ target: UnsafeMutablePointer<UInt8>
    ) {
        let columns = zip(across.first, across.second).map { (source.column($0), source.column($1)) }
        let width = 3 * columns.count
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: 2 * width) { rows in
            guard var upper = rows.baseAddress else { return }
            var lower = upper + width
            // Which source rows `upper` and `lower` hold; neighbours in the target share theirs.
            var (held, heldNext) = (-1, -1)
            for y in down.first.indices {
                let (top, bottom) = (down.first[y], down.second[y])
                if top == heldNext, top != held {
                    swap(&upper, &lower)
                    swap(&held, &heldNext)
                }
                if top != held {
                    blendAcross(source, source.row(top), columns, across.weights, upper)
                    held = top
                }
                if bottom != heldNext {
                    blendAcross(source, source.row(bottom), columns, across.weights, lower)
                    heldNext = bottom
                }
                blendDown(upper, lower, down.weights[y], width, target + y * width)
            }
        }
    }

    /// One source row at the target's columns: (w0 * left + w1 * right) >> 4, at most 255 * 2048 / 16 = 32640.
    private static func blendAcross<Source: PixelSource>(
        _ source: Source, _ row: Source.Place, _ columns: [(Source.Place, Source.Place)],
        _ weights: [(first: Int32, second: Int32)], _ target: UnsafeMutablePointer<Int16>
    ) {
        var out = target
        for x in columns.indices {
            let (left, right) = (source.pixel(row, columns[x].0), source.pixel(row, columns[x].1))
            let (first, second) = weights[x]
            out[0] = Int16(truncatingIfNeeded: (first &* left.red &+ second &* right.red) &>> 4)
            out[1] = Int16(truncatingIfNeeded: (first &* left.green &+ second &* right.green) &>> 4)
            out[2] = Int16(truncatingIfNeeded: (first &* left.blue &+ second &* right.blue) &>> 4)
            out += 3
        }
    }

    private static func blendDown(
        _ upper: UnsafeMutablePointer<Int16>, _ lower: UnsafeMutablePointer<Int16>,
        _ weights: (first: Int32, second: Int32), _ count: Int, _ target: UnsafeMutablePointer<UInt8>
    ) {
        for index in 0..<count {
            let top = (weights.first &* Int32(upper[index])) &>> 16
            let bottom = (weights.second &* Int32(lower[index])) &>> 16
            target[index] = UInt8(truncatingIfNeeded: (top &+ bottom &+ 2) &>> 2)
        }
    }
}
