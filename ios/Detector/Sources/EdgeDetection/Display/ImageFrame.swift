#if canImport(CoreGraphics)
import CoreGraphics
import Foundation

extension Frame {
    /// A frame from an upright image, whose pixels are copied.
    /// - Throws: `DetectorError.badFrame` if the image is empty or too large for memory.
    public init(_ image: CGImage, index: Int = 0, time: Double = 0) throws(DetectorError) {
        let (width, height) = (image.width, image.height)
        // Little-endian ARGB is B, G, R, A in memory.
        let layout = CGImageAlphaInfo.premultipliedFirst.rawValue | CGBitmapInfo.byteOrder32Little.rawValue
        guard
            let context = CGContext(
                data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 0,
                space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: layout),
            let bytes = context.data
        else {
            throw .badFrame(reason: "an image of \(width) x \(height) pixels cannot be drawn")
        }
        context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
        let plane = Plane(Data(bytes: bytes, count: context.bytesPerRow * height), bytesPerRow: context.bytesPerRow)
        try self.init(.bgra(plane), width: width, height: height, index: index, time: time)
    }

    /// The upright image; nil if there is no memory for it.
    public var uprightImage: CGImage? {
        let size = uprightSize
        guard let provider = CGDataProvider(data: NSData(data: Data(uprightRGB())) as CFData) else { return nil }
        return CGImage(
            width: size.width, height: size.height, bitsPerComponent: 8, bitsPerPixel: 24, bytesPerRow: 3 * size.width,
            space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.none.rawValue),
            provider: provider, decode: nil, shouldInterpolate: false, intent: .defaultIntent)
    }
}
#endif
