import AVFoundation
import EdgeDetection
import ImageIO

/// Reads the frames of images and videos.
enum MediaFiles {
    enum Problem: LocalizedError {
        case unreadable(String)

        var errorDescription: String? {
            switch self {
            case .unreadable(let name): String(localized: "\(name) cannot be read as an image or a video.")
            }
        }
    }

    // Larger images are scaled down: no model sees more, and a phone's memory is limited.
    private static let mostPixelsASide = 2048

    /// The image at `url`, made upright.
    static func image(_ url: URL) throws -> Frame {
        let options: [CFString: Any] = [
            kCGImageSourceCreateThumbnailFromImageAlways: true,
            kCGImageSourceCreateThumbnailWithTransform: true,
            kCGImageSourceThumbnailMaxPixelSize: mostPixelsASide,
        ]
        guard let source = CGImageSourceCreateWithURL(url as CFURL, nil),
            let image = CGImageSourceCreateThumbnailAtIndex(source, 0, options as CFDictionary)
        else { throw Problem.unreadable(url.lastPathComponent) }
        return try Frame(image)
    }

    /// The frames of the video at `url`, read as they are taken.
    static func video(_ url: URL) -> AsyncThrowingStream<Frame, any Error> {
        let frames = VideoFrames(url)
        return AsyncThrowingStream { try await frames.next() }
    }
}

/// Decodes a video one frame at a time.
private actor VideoFrames {
    private let url: URL
    private var reader: AVAssetReader?
    private var output: AVAssetReaderTrackOutput?
    private var rotation = Rotation.none
    private var index = 0

    init(_ url: URL) {
        self.url = url
    }

    /// The next frame, or nil after the last one.
    func next() async throws -> Frame? {
        if reader == nil {
            try await open()
        }
        while let sample = output?.copyNextSampleBuffer() {
            guard let buffer = CMSampleBufferGetImageBuffer(sample) else { continue }
            let time = CMSampleBufferGetPresentationTimeStamp(sample).seconds
            index += 1
            return try Frame(buffer, rotation: rotation, index: index - 1, time: time)
        }
        if let error = reader?.error {
            throw error
        }
        return nil
    }

    private func open() async throws {
        let asset = AVURLAsset(url: url)
        guard let track = try await asset.loadTracks(withMediaType: .video).first else {
            throw MediaFiles.Problem.unreadable(url.lastPathComponent)
        }
        let transform = try await track.load(.preferredTransform)
        // A quarter turn is (a, b, c, d) = (0, 1, -1, 0) clockwise and (0, -1, 1, 0) counterclockwise.
        let degrees = (atan2(transform.b, transform.a) * 180 / .pi).rounded()
        rotation = Rotation(rawValue: (Int(degrees) + 360) % 360) ?? .none
        let format = kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
        let output = AVAssetReaderTrackOutput(
            track: track, outputSettings: [kCVPixelBufferPixelFormatTypeKey as String: format])
        let reader = try AVAssetReader(asset: asset)
        reader.add(output)
        guard reader.startReading() else {
            throw reader.error ?? MediaFiles.Problem.unreadable(url.lastPathComponent)
        }
        self.reader = reader
        self.output = output
    }
}
