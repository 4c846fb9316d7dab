/// The hue of a class's color, in 0..<1; saturation is 0.85 and brightness 0.95. The same as in Python (`runtime`).
public func classHue(_ classID: Int) -> Double {
    // Golden ratio steps around the color wheel give neighboring classes distinct hues.
    let hue = 0.33 + Double(classID) * 0.618034
    return hue - hue.rounded(.down)
}
