import Foundation

/// One image from a camera or a file.
///
/// `width` and `height` are in pixels as stored, before `rotation`. `index` counts frames from 0. `time` is the capture
/// time in seconds.
public struct Frame: Sendable {
    public let pixels: Pixels
    public let width: Int
    public let height: Int
    public let rotation: Rotation
    public let index: Int
    public let time: Double

    /// - Throws: `DetectorError.badFrame` if width or height is below 1, or if a plane has too few bytes for the size.
    public init(
        _ pixels: Pixels, width: Int, height: Int, rotation: Rotation = .none, index: Int = 0, time: Double = 0
    ) throws(DetectorError) {
        guard width > 0, height > 0, width <= Frame.mostPixels, height <= Frame.mostPixels / width else {
            throw .badFrame(reason: "it is \(width) x \(height)")
        }
        self.pixels = pixels
        self.width = width
        self.height = height
        self.rotation = rotation
        self.index = index
        self.time = time
        switch pixels {
        case .rgb(let plane):
            try plane.check("RGB", rowBytes: 3 * width, rows: height)
        case .bgra(let plane):
            try plane.check("BGRA", rowBytes: 4 * width, rows: height)
        case .yuv420(let luma, let chroma, _):
            try luma.check("luma", rowBytes: width, rows: height)
            try chroma.check("chroma", rowBytes: 2 * ((width + 1) / 2), rows: (height + 1) / 2)
        }
    }

    /// Width and height in pixels of the upright image, after `rotation`.
    public var uprightSize: (width: Int, height: Int) {
        rotation.swapsSides ? (height, width) : (width, height)
    }

    /// The upright image: R, G and B of each pixel, row by row.
    public func uprightRGB() -> [UInt8] {
        let (width, height) = uprightSize
        return Preprocessor(width: width, height: height)(self)
    }

    // Far above any camera, and small enough that byte offsets do not overflow.
    private static let mostPixels = 1 << 30
}

/// The pixels of a frame, uint8.
public enum Pixels: Sendable {
    /// R, G, B of each pixel.
    case rgb(Plane)
    /// B, G, R and an unused byte of each pixel: kCVPixelFormatType_32BGRA.
    case bgra(Plane)
    /// One luma value for each pixel, and interleaved U and V for each block of 2 x 2:
    /// kCVPixelFormatType_420YpCbCr8BiPlanar...
    case yuv420(luma: Plane, chroma: Plane, YUVColor)
}

/// A plane of pixel values in rows. `bytesPerRow` is the distance between rows in bytes; padding is ignored.
public struct Plane: Sendable {
    public let bytes: Data
    public let bytesPerRow: Int

    public init(_ bytes: Data, bytesPerRow: Int) {
        self.bytes = bytes
        self.bytesPerRow = bytesPerRow
    }

    fileprivate func check(_ name: String, rowBytes: Int, rows: Int) throws(DetectorError) {
        guard bytesPerRow >= rowBytes else {
            throw .badFrame(reason: "its \(name) rows have \(bytesPerRow) bytes; its width needs \(rowBytes)")
        }
        let (before, overflow) = bytesPerRow.multipliedReportingOverflow(by: rows - 1)
        guard !overflow, bytes.count >= rowBytes, before <= bytes.count - rowBytes else {
            throw .badFrame(reason: "its \(name) has \(bytes.count) bytes; \(rows) rows need more")
        }
    }
}

/// The clockwise rotation in degrees that makes a stored image upright.
public enum Rotation: Int, CaseIterable, Sendable {
    case none = 0
    case right = 90
    case half = 180
    case left = 270

    /// Whether the rotation swaps width and height.
    public var swapsSides: Bool { self == .right || self == .left }
}
