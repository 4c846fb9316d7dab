#if canImport(CoreVideo)
import CoreVideo
import Foundation

extension Frame {
    /// A frame from a pixel buffer, without copying. The buffer stays locked while the frame exists.
    ///
    /// Accepts kCVPixelFormatType_32BGRA and both ranges of kCVPixelFormatType_420YpCbCr8BiPlanar.
    /// - Throws: `DetectorError.badFrame` for any other format.
    public init(
        _ buffer: CVPixelBuffer, rotation: Rotation = .none, index: Int = 0, time: Double = 0
    ) throws(DetectorError) {
        let lock = try PixelBufferLock(buffer)
        let format = CVPixelBufferGetPixelFormatType(buffer)
        let pixels: Pixels
        switch format {
        case kCVPixelFormatType_32BGRA:
            pixels = .bgra(try lock.plane(nil))
        case kCVPixelFormatType_420YpCbCr8BiPlanarFullRange, kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange:
            let isFullRange = format == kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
            let color = YUVColor(matrix: lock.matrix, isFullRange: isFullRange)
            pixels = .yuv420(luma: try lock.plane(0), chroma: try lock.plane(1), color)
        default:
            throw .badFrame(reason: "its pixel format \(format) is neither BGRA nor bi-planar 4:2:0")
        }
        try self.init(
            pixels, width: CVPixelBufferGetWidth(buffer), height: CVPixelBufferGetHeight(buffer), rotation: rotation,
            index: index, time: time)
    }
}

/// Keeps a pixel buffer locked for reading. Safe to share between threads, since it is never written to.
private final class PixelBufferLock: @unchecked Sendable {
    private let buffer: CVPixelBuffer

    init(_ buffer: CVPixelBuffer) throws(DetectorError) {
        guard CVPixelBufferLockBaseAddress(buffer, .readOnly) == kCVReturnSuccess else {
            throw .badFrame(reason: "its pixel buffer cannot be locked")
        }
        self.buffer = buffer
    }

    deinit {
        CVPixelBufferUnlockBaseAddress(buffer, .readOnly)
    }

    /// A plane, or the whole buffer if it is not planar. The bytes keep this lock alive.
    func plane(_ index: Int?) throws(DetectorError) -> Plane {
        let address: UnsafeMutableRawPointer?
        let (rows, bytesPerRow): (Int, Int)
        if let index {
            address = CVPixelBufferGetBaseAddressOfPlane(buffer, index)
            rows = CVPixelBufferGetHeightOfPlane(buffer, index)
            bytesPerRow = CVPixelBufferGetBytesPerRowOfPlane(buffer, index)
        } else {
            address = CVPixelBufferGetBaseAddress(buffer)
            rows = CVPixelBufferGetHeight(buffer)
            bytesPerRow = CVPixelBufferGetBytesPerRow(buffer)
        }
        guard let address else { throw .badFrame(reason: "its pixel buffer has no bytes") }
        let lock = self
        let bytes = Data(
            bytesNoCopy: address, count: rows * bytesPerRow,
            deallocator: .custom { _, _ in withExtendedLifetime(lock) {} })
        return Plane(bytes, bytesPerRow: bytesPerRow)
    }

    /// The YUV matrix attached to the buffer, or BT.709 if there is none.
    var matrix: YUVColor.Matrix {
        let attachment = CVBufferCopyAttachment(buffer, kCVImageBufferYCbCrMatrixKey, nil) as? String
        return attachment == kCVImageBufferYCbCrMatrix_ITU_R_601_4 as String ? .bt601 : .bt709
    }
}
#endif
