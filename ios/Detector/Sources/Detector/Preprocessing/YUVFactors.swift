/// The factors of a YUV to RGB conversion in units of 2^-20. Sums fit into 32 bits: 255 * 2^20 * 1.2 + 128 * 2^20 * 2.2 < 2^30.
struct YUVFactors {
    /// The contribution of each luma value to all channels, plus one half for rounding.
    let luma: [Int32]
    let vToRed: Int32
    let uToGreen: Int32
    let vToGreen: Int32
    let uToBlue: Int32

    static let bits: Int32 = 20

    /// The contribution of chroma to red, green and blue.
    @inline(__always)
    func chroma(_ u: UInt8, _ v: UInt8) -> (red: Int32, green: Int32, blue: Int32) {
        let (u, v) = (Int32(u) &- 128, Int32(v) &- 128)
        return (vToRed &* v, uToGreen &* u &+ vToGreen &* v, uToBlue &* u)
    }

    /// The sum of the contributions to a channel, rounded to nearest and clipped to 0...255.
    @inline(__always)
    static func channel(_ luma: Int32, _ chroma: Int32) -> UInt8 {
        // In 16 bits, where clipping is one instruction.
        let value = Int16(truncatingIfNeeded: (luma &+ chroma) &>> bits)
        return UInt8(truncatingIfNeeded: min(max(value, 0), 255))
    }
}

extension YUVColor {
    /// Factors in units of 2^-20, from Kr and Kb of the recommendations ITU-R BT.601 and BT.709.
    var factors: YUVFactors {
        let (red, blue) = matrix == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
        let green = 1 - red - blue
        let (luma, chroma) = isFullRange ? (1.0, 1.0) : (255.0 / 219, 255.0 / 224)
        func toFixedPoint(_ factor: Double) -> Int32 {
            Int32((factor * Double(1 << YUVFactors.bits)).rounded(.toNearestOrEven))
        }
        let (black, scale) = (isFullRange ? 0 : 16 as Int32, toFixedPoint(luma))
        return YUVFactors(
            luma: (0..<256).map { max($0 &- black, 0) &* scale &+ (1 << (YUVFactors.bits &- 1)) },
            vToRed: toFixedPoint(2 * (1 - red) * chroma),
            uToGreen: toFixedPoint(-2 * blue * (1 - blue) / green * chroma),
            vToGreen: toFixedPoint(-2 * red * (1 - red) / green * chroma),
            uToBlue: toFixedPoint(2 * (1 - blue) * chroma)
        )
    }
}
