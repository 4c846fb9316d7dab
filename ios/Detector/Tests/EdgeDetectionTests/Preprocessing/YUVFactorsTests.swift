import XCTest

@testable import EdgeDetection

final class YUVFactorsTests: XCTestCase {
    private let colors = YUVColor.Matrix.allCases.flatMap { matrix in
        [true, false].map { YUVColor(matrix: matrix, isFullRange: $0) }
    }

    private func value(_ term: YUVTerm) -> Int { (Int(term.high) << 15) + Int(term.low) }

    /// The factors in units of 2^-20, by multiplying with 1.
    private func plain(_ factor: YUVFactor) -> Int { value(factor * Int16(1)) }

    func testTermsAreTheProductsOfAllBytes() {
        for color in colors {
            let factors = color.factors
            var wrong = 0
            func check(_ term: YUVTerm, _ expected: Int) {
                wrong += value(term) == expected && term.low >= 0 ? 0 : 1
            }
            for one in UInt8.min...UInt8.max {
                let centered = Int(one) - 128
                check(factors.luma(one), max(Int(one) - Int(factors.black), 0) * plain(factors.luma))
                check(factors.red(one), centered * plain(factors.vToRed))
                check(factors.blue(one), centered * plain(factors.uToBlue))
                for other in UInt8.min...UInt8.max {
                    let green = centered * plain(factors.uToGreen) + (Int(other) - 128) * plain(factors.vToGreen)
                    check(factors.green(one, other), green)
                }
            }
            XCTAssertEqual(wrong, 0, "\(color)")
        }
    }

    func testFactorsAreThoseOfTheStandards() {
        let factors = YUVColor(matrix: .bt601, isFullRange: false).factors
        let unit = Double(1 << 20)
        XCTAssertEqual(Double(plain(factors.luma)) / unit, 255.0 / 219, accuracy: 1e-6)
        XCTAssertEqual(Double(plain(factors.vToRed)) / unit, 1.402 * 255 / 224, accuracy: 1e-6)
        XCTAssertEqual(Double(plain(factors.uToGreen)) / unit, -0.344136 * 255 / 224, accuracy: 1e-6)
        XCTAssertEqual(Double(plain(factors.uToBlue)) / unit, 1.772 * 255 / 224, accuracy: 1e-6)
    }

    /// The sum in whole units, for every pair of a luma and a chroma.
    func testChannelsAreTheRoundedSums() {
        func channels<Arithmetic: YUVArithmetic>(_ arithmetic: Arithmetic, _ factors: YUVFactors) -> Int {
            let values = [UInt8](UInt8.min...UInt8.max)
            let count = values.count
            var luma = [Int16](repeating: 0, count: Arithmetic.planes * count)
            var chroma = [Int16](repeating: 0, count: 3 * Arithmetic.planes * count)
            var out = [UInt8](repeating: 0, count: count)
            var wrong = 0
            arithmetic.luma(values, count, &luma)
            for u in values {
                let vs = values.map { $0 &+ u }
                arithmetic.chroma([UInt8](repeating: u, count: count), vs, count, &chroma)
                for channel in 0..<3 {
                    Arithmetic.add(luma, Array(chroma[(channel * Arithmetic.planes * count)...]), count, &out)
                    for (y, v) in zip(values, vs) {
                        let term = [factors.red(v), factors.green(u, v), factors.blue(u)][channel]
                        let sum = value(factors.luma(y)) + value(term) + (1 << 19)
                        wrong += Int(out[Int(y)]) == min(max(sum >> 20, 0), 255) ? 0 : 1
                    }
                }
            }
            return wrong
        }
        for color in colors {
            XCTAssertEqual(channels(WideArithmetic(factors: color.factors), color.factors), 0, "\(color)")
            if color.isFullRange {
                XCTAssertEqual(channels(FullRangeArithmetic(factors: color.factors), color.factors), 0, "\(color)")
            }
        }
    }
}
