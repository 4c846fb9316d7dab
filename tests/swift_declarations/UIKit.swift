@_exported import AVFoundation

@MainActor open class UIResponder: NSObject {}

@MainActor open class UIView: UIResponder {
    public var bounds: CGRect { .zero }
    public let layer = CALayer()
    public init(frame: CGRect) { super.init() }
    public required init?(coder: NSCoder) { nil }
    open func layoutSubviews() {}
}

@MainActor public final class UIApplication: UIResponder {
    public static let shared = UIApplication()
    public nonisolated static let openSettingsURLString = ""
    public var isIdleTimerDisabled = false
}

public final class UIColor: NSObject, Sendable {
    public static let black = UIColor(hue: 0, saturation: 0, brightness: 0, alpha: 1)
    public static let white = UIColor(hue: 0, saturation: 0, brightness: 1, alpha: 1)
    public init(hue: CGFloat, saturation: CGFloat, brightness: CGFloat, alpha: CGFloat) {}
    public func setStroke() {}
}

public final class UIFont: NSObject, Sendable {
    public let lineHeight: CGFloat = 0
    public static func boldSystemFont(ofSize size: CGFloat) -> UIFont { UIFont() }
}

public final class UIImage: NSObject, Sendable {
    public init(cgImage: CGImage) {}
    public func draw(at point: CGPoint) {}
}

public final class UIBezierPath: NSObject {
    public var lineWidth: CGFloat = 1
    public override init() {}
    public init(rect: CGRect) {}
    public func move(to point: CGPoint) {}
    public func addLine(to point: CGPoint) {}
    public func close() {}
    public func stroke() {}
}

public final class UIGraphicsImageRendererFormat: NSObject {
    public var scale: CGFloat = 1
}
public final class UIGraphicsImageRendererContext: NSObject {}
public final class UIGraphicsImageRenderer: NSObject {
    public init(size: CGSize, format: UIGraphicsImageRendererFormat) {}
    public func image(actions: (UIGraphicsImageRendererContext) -> Void) -> UIImage { fatalError() }
}

extension NSAttributedString {
    public func draw(at point: CGPoint) {}
}
extension NSAttributedString.Key {
    public static let font = NSAttributedString.Key(rawValue: "")
    public static let backgroundColor = NSAttributedString.Key(rawValue: "")
    public static let foregroundColor = NSAttributedString.Key(rawValue: "")
}
