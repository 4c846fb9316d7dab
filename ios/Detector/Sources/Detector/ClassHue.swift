/// The hue of a class's color, 0..<1, always the same; saturation is 0.85 and brightness 0.95, as in Python.
public func classHue(_ classID: Int) -> Double {
    // Steps of the golden ratio around the color wheel keep neighbouring classes apart.
    let turned = 0.33 + Double(classID) * 0.618034
    return turned - turned.rounded(.down)
}
