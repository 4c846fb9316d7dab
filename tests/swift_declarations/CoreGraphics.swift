@_exported import CoreVideo

public struct CGAffineTransform: Sendable {
    public var a: CGFloat
    public var b: CGFloat
    public var c: CGFloat
    public var d: CGFloat
}

public enum CGImageAlphaInfo: UInt32, Sendable {
    case none
    case premultipliedFirst
}

public struct CGBitmapInfo: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let byteOrder32Little = CGBitmapInfo(rawValue: 1)
}

public enum CGColorRenderingIntent: Sendable {
    case defaultIntent
}

public final class CGColorSpace: Sendable {}
public func CGColorSpaceCreateDeviceRGB() -> CGColorSpace { CGColorSpace() }

public final class CGDataProvider {
    public init?(data: CFData) { nil }
}

public final class CGImage: Sendable {
    public let width = 0
    public let height = 0
    public init?(
        width: Int, height: Int, bitsPerComponent: Int, bitsPerPixel: Int, bytesPerRow: Int, space: CGColorSpace,
        bitmapInfo: CGBitmapInfo, provider: CGDataProvider, decode: UnsafePointer<CGFloat>?, shouldInterpolate: Bool,
        intent: CGColorRenderingIntent
    ) { nil }
}

public final class CGContext {
    public let data: UnsafeMutableRawPointer? = nil
    public let bytesPerRow = 0
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { nil }
    public func draw(_ image: CGImage, in rect: CGRect) {}
}
