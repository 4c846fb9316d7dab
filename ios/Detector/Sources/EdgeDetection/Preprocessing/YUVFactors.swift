/// The factors of a YUV to RGB conversion in units of 2^-20.
struct YUVFactors {
    /// The luma of black.
    let black: Int16
    /// The contribution of each step of luma above black to all channels.
    let luma: YUVFactor
    let vToRed: YUVFactor
    let uToGreen: YUVFactor
    let vToGreen: YUVFactor
    let uToBlue: YUVFactor

    @inline(__always)
    func luma(_ y: UInt8) -> YUVTerm { luma * UInt16(bitPattern: max(Int16(y) &- black, 0)) }

    @inline(__always)
    func red(_ v: UInt8) -> YUVTerm { vToRed * (Int16(v) &- 128) }

    @inline(__always)
    func green(_ u: UInt8, _ v: UInt8) -> YUVTerm {
        let (one, other) = (uToGreen * (Int16(u) &- 128), vToGreen * (Int16(v) &- 128))
        // Both are below 2^15.
        let low = UInt16(bitPattern: one.low) &+ UInt16(bitPattern: other.low)
        return YUVTerm(
            high: one.high &+ other.high &+ Int16(bitPattern: low &>> YUVTerm.bits),
            low: Int16(bitPattern: low) & YUVTerm.mask)
    }

    @inline(__always)
    func blue(_ u: UInt8) -> YUVTerm { uToBlue * (Int16(u) &- 128) }
}

/// A number of units of 2^-20 as `high` * 2^15 + `low`, where `low` is in 0..<2^15.
///
/// In two numbers of 16 bits, of which any processor handles eight at once. The sum of a luma and a chroma term is below
/// 255 * 1.2 + 128 * 2.2 = 588 whole units, so that `high` is below 588 * 2^5 < 2^15.
struct YUVTerm {
    let high: Int16
    let low: Int16

    static let bits: UInt16 = 15
    static let mask: Int16 = 0x7fff
    /// One half for rounding, in units of `high`, and the bits of `high` below a whole unit.
    static let half: Int16 = 1 << 4
    static let fraction: Int16 = 5
}

/// A factor in units of 2^-20, as `YUVTerm`.
struct YUVFactor {
    private let high: Int16
    private let low: Int16
    // The upper 7 and the lower 8 bits of `low`.
    private let lowUpper: Int16
    private let lowLower: Int16

    init(_ value: Int32) {
        high = Int16(truncatingIfNeeded: value &>> 15)
        low = Int16(truncatingIfNeeded: value) & YUVTerm.mask
        lowUpper = low &>> 8
        lowLower = low & 0xff
    }

    /// The product with a number in -128..<128 or, without a sign, in 0..<256.
    @inline(__always)
    static func * <Number: FixedWidthInteger>(factor: YUVFactor, number: Number) -> YUVTerm {
        // The product with `low`, divided by 2^15: each of the two products has 16 bits, and so has their sum.
        let lower = (Number(truncatingIfNeeded: factor.lowLower) &* number) &>> 8
        let carry = (Number(truncatingIfNeeded: factor.lowUpper) &* number &+ lower) &>> 7
        let number = Int16(truncatingIfNeeded: number)
        return YUVTerm(
            high: factor.high &* number &+ Int16(truncatingIfNeeded: carry), low: (factor.low &* number) & YUVTerm.mask)
    }
}

/// Computes a color channel as the sum of a luma and a chroma term, rounded to nearest and clipped to 0...255.
///
/// A term is one number of 16 bits or two, each in a plane of its own. All loops are over arrays and without a table, so
/// that the compiler vectorizes them.
protocol YUVArithmetic {
    /// The numbers of a term.
    static var planes: Int { get }
    init(factors: YUVFactors)
    /// Writes the terms of `count` luma values.
    func luma(_ values: UnsafePointer<UInt8>, _ count: Int, _ terms: UnsafeMutablePointer<Int16>)
    /// Writes the terms of `count` pairs of U and V: those of red, then green, then blue.
    func chroma(
        _ us: UnsafePointer<UInt8>, _ vs: UnsafePointer<UInt8>, _ count: Int, _ terms: UnsafeMutablePointer<Int16>)
    /// Writes one channel of `count` pixels.
    static func add(
        _ luma: UnsafePointer<Int16>, _ chroma: UnsafePointer<Int16>, _ count: Int, _ out: UnsafeMutablePointer<UInt8>)
}

/// For any color.
struct WideArithmetic: YUVArithmetic {
    static let planes = 2

    let factors: YUVFactors

    func luma(_ values: UnsafePointer<UInt8>, _ count: Int, _ terms: UnsafeMutablePointer<Int16>) {
        WideArithmetic.write(count, terms) { index in
            let term = factors.luma(values[index])
            return YUVTerm(high: term.high &+ YUVTerm.half, low: term.low)
        }
    }

    func chroma(
        _ us: UnsafePointer<UInt8>, _ vs: UnsafePointer<UInt8>, _ count: Int, _ terms: UnsafeMutablePointer<Int16>
    ) {
        WideArithmetic.write(count, terms) { factors.red(vs[$0]) }
        WideArithmetic.write(count, terms + 2 * count) { factors.green(us[$0], vs[$0]) }
        WideArithmetic.write(count, terms + 4 * count) { factors.blue(us[$0]) }
    }

    @inline(__always)
    private static func write(_ count: Int, _ terms: UnsafeMutablePointer<Int16>, _ term: (Int) -> YUVTerm) {
        let low = terms + count
        for index in 0..<count {
            let term = term(index)
            terms[index] = term.high
            low[index] = term.low
        }
    }

    static func add(
        _ luma: UnsafePointer<Int16>, _ chroma: UnsafePointer<Int16>, _ count: Int, _ out: UnsafeMutablePointer<UInt8>
    ) {
        let (lumaLow, chromaLow) = (luma + count, chroma + count)
        for index in 0..<count {
            let low = UInt16(bitPattern: lumaLow[index]) &+ UInt16(bitPattern: chromaLow[index])
            let high = luma[index] &+ chroma[index] &+ Int16(bitPattern: low &>> YUVTerm.bits)
            out[index] = UInt8(truncatingIfNeeded: min(max(high &>> YUVTerm.fraction, 0), 255))
        }
    }
}

/// For full range, where luma is a whole number of units: rounding chroma alone gives the same sum.
struct FullRangeArithmetic: YUVArithmetic {
    static let planes = 1

    let factors: YUVFactors

    func luma(_ values: UnsafePointer<UInt8>, _ count: Int, _ terms: UnsafeMutablePointer<Int16>) {
        for index in 0..<count {
            terms[index] = Int16(values[index])
        }
    }

    func chroma(
        _ us: UnsafePointer<UInt8>, _ vs: UnsafePointer<UInt8>, _ count: Int, _ terms: UnsafeMutablePointer<Int16>
    ) {
        let (green, blue) = (terms + count, terms + 2 * count)
        for index in 0..<count {
            terms[index] = FullRangeArithmetic.rounded(factors.red(vs[index]))
        }
        for index in 0..<count {
            green[index] = FullRangeArithmetic.rounded(factors.green(us[index], vs[index]))
        }
        for index in 0..<count {
            blue[index] = FullRangeArithmetic.rounded(factors.blue(us[index]))
        }
    }

    static func add(
        _ luma: UnsafePointer<Int16>, _ chroma: UnsafePointer<Int16>, _ count: Int, _ out: UnsafeMutablePointer<UInt8>
    ) {
        for index in 0..<count {
            out[index] = UInt8(truncatingIfNeeded: min(max(luma[index] &+ chroma[index], 0), 255))
        }
    }

    @inline(__always)
    private static func rounded(_ term: YUVTerm) -> Int16 {
        (term.high &+ YUVTerm.half) &>> YUVTerm.fraction
    }
}

extension YUVColor {
    /// Factors in units of 2^-20, from Kr and Kb of the recommendations ITU-R BT.601 and BT.709.
    var factors: YUVFactors {
        let (red, blue) = matrix == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
        let green = 1 - red - blue
        let (luma, chroma) = isFullRange ? (1.0, 1.0) : (255.0 / 219, 255.0 / 224)
        func toFixedPoint(_ factor: Double) -> YUVFactor {
            YUVFactor(Int32((factor * Double(1 << 20)).rounded(.toNearestOrEven)))
        }
        return YUVFactors(
            black: isFullRange ? 0 : 16,
            luma: toFixedPoint(luma),
            vToRed: toFixedPoint(2 * (1 - red) * chroma),
            uToGreen: toFixedPoint(-2 * blue * (1 - blue) / green * chroma),
            vToGreen: toFixedPoint(-2 * red * (1 - red) / green * chroma),
            uToBlue: toFixedPoint(2 * (1 - blue) * chroma)
        )
    }
}
