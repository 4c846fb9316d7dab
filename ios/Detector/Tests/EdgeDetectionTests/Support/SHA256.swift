/// SHA-256 as FIPS 180-4 states it: Foundation on Linux has none.
func sha256(_ bytes: [UInt8]) -> String {
    var hash: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    let bits = UInt64(bytes.count) * 8
    let padding = [UInt8(0x80)] + [UInt8](repeating: 0, count: (119 - bytes.count % 64) % 64)
    let message = bytes + padding + (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
    message.withUnsafeBufferPointer { message in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
            for block in stride(from: 0, to: message.count, by: 64) {
                add(message, block, words, &hash)
            }
        }
    }
    return hash.map { word in
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
}

private func add(
    _ message: UnsafeBufferPointer<UInt8>, _ block: Int, _ words: UnsafeMutableBufferPointer<UInt32>, _ hash: inout [UInt32]
) {
    for index in 0..<16 {
        let start = block + 4 * index
        words[index] =
            UInt32(message[start]) << 24 | UInt32(message[start + 1]) << 16 | UInt32(message[start + 2]) << 8
            | UInt32(message[start + 3])
    }
    for index in 16..<64 {
        let (early, late) = (words[index - 15], words[index - 2])
        let first = rotateRight(early, 7) ^ rotateRight(early, 18) ^ (early >> 3)
        let second = rotateRight(late, 17) ^ rotateRight(late, 19) ^ (late >> 10)
        words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
    }
    var (a, b, c, d, e, f, g, h) = (hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7])
    for index in 0..<64 {
        let choice = (e & f) ^ (~e & g)
        let first = h &+ (rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)) &+ choice &+ constants[index] &+ words[index]
        let majority = (a & b) ^ (a & c) ^ (b & c)
        let second = (rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)) &+ majority
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
    }
    for (index, value) in [a, b, c, d, e, f, g, h].enumerated() {
        hash[index] = hash[index] &+ value
    }
}

private func rotateRight(_ word: UInt32, _ by: UInt32) -> UInt32 {
    word >> by | word << (32 - by)
}

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
private let constants: [UInt32] = {
    var primes: [UInt64] = []
    var number: UInt64 = 2
    while primes.count < 64 {
        if primes.allSatisfy({ number % $0 != 0 }) {
            primes.append(number)
        }
        number += 1
    }
    return primes.map { prime in
        // The greatest r with r^3 <= prime * 2^96; r has 35 bits.
        var root: UInt64 = 0
        for bit in stride(from: UInt64(34), through: 0, by: -1) {
            let tried = root | 1 << bit
            let square = tried.multipliedFullWidth(by: tried)
            let low = square.low.multipliedFullWidth(by: tried)
            let high = square.high * tried + low.high
            if (high, low.low) <= (prime << 32, 0) {
                root = tried
            }
        }
        return UInt32(truncatingIfNeeded: root)
    }
}()
