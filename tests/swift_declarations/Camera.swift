import Detector
import Foundation

// In place of ios/App/Sources/Camera.swift, which needs AVFoundation.
final class Camera: @unchecked Sendable {
    struct CapturedFrame: Sendable {
        let frame: Frame
        let isMirrored: Bool
    }

    func start() async throws -> AsyncStream<CapturedFrame> { AsyncStream { $0.finish() } }
    func stop() {}
    func switchCamera() {}
}

extension URL {
    func startAccessingSecurityScopedResource() -> Bool { true }
    func stopAccessingSecurityScopedResource() {}
    static var documentsDirectory: URL { URL(fileURLWithPath: "/") }
}
