import Foundation

/// The color of a class, the same as in Python (`runtime`): hues of a class and the next are far apart.
public struct ClassColor: Hashable, Sendable {
    /// In 0..<1.
    public let hue: Double
    public let saturation = 0.85
    public let brightness = 0.95

    public init(classID: Int) {
        // Golden ratio steps around the color wheel give neighboring classes distinct hues.
        let hue = 0.33 + Double(classID) * 0.618034
        self.hue = hue - hue.rounded(.down)
    }

    /// Whether black text is easier to read on it than white, by the contrast ratio of WCAG 2.1.
    public var takesBlackText: Bool {
        (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05)
    }

    /// The relative luminance in 0...1 as WCAG 2.1 defines it.
    var luminance: Double {
        func linear(_ offset: Double) -> Double {
            let sector = (offset + hue * 6).truncatingRemainder(dividingBy: 6)
            let channel = brightness * (1 - saturation * max(0, min(sector, 4 - sector, 1)))
            return channel <= 0.03928 ? channel / 12.92 : pow((channel + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * linear(5) + 0.7152 * linear(3) + 0.0722 * linear(1)
    }
}
