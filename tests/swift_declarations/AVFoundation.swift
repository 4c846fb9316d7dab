@_exported import CoreGraphics

// What is not Sendable in Apple's declarations is not here either, so that sharing it is an error.

public class CALayer: NSObject {
    public var frame = CGRect.zero
    public func addSublayer(_ layer: CALayer) {}
}

public struct CMTime: Sendable {
    public var seconds: Double { 0 }
}
public final class CMSampleBuffer {}
public func CMSampleBufferGetImageBuffer(_ sample: CMSampleBuffer) -> CVPixelBuffer? { nil }
public func CMSampleBufferGetPresentationTimeStamp(_ sample: CMSampleBuffer) -> CMTime { CMTime() }

public struct AVMediaType: Sendable {
    public static let video = AVMediaType()
}

public enum AVLayerVideoGravity: Sendable {
    case resizeAspectFill
}

public struct AVError: Error {
    public enum Code: Sendable {
        case mediaServicesWereReset, unknown
    }
    public let code: Code
}

public let AVCaptureSessionInterruptionReasonKey = ""
public let AVCaptureSessionErrorKey = ""

public class AVCaptureInput: NSObject {}
public class AVCaptureOutput: NSObject {}
public class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws {}
}
public class AVCaptureConnection: NSObject {
    public var videoRotationAngle: CGFloat = 0
    public func isVideoRotationAngleSupported(_ angle: CGFloat) -> Bool { true }
}

public class AVCaptureSession: NSObject {
    public struct Preset: Sendable {
        public static let hd1280x720 = Preset()
        public static let high = Preset()
    }
    public enum InterruptionReason: Int, Sendable {
        case videoDeviceNotAvailableInBackground = 1
        case videoDeviceInUseByAnotherClient = 3
        case videoDeviceNotAvailableWithMultipleForegroundApps = 4
        case videoDeviceNotAvailableDueToSystemPressure = 5
    }
    public static let wasInterruptedNotification = Notification.Name("")
    public static let interruptionEndedNotification = Notification.Name("")
    public static let runtimeErrorNotification = Notification.Name("")
    public var sessionPreset = Preset()
    public var inputs: [AVCaptureInput] { [] }
    public var outputs: [AVCaptureOutput] { [] }
    public var isRunning: Bool { false }
    public func beginConfiguration() {}
    public func commitConfiguration() {}
    public func canAddInput(_ input: AVCaptureInput) -> Bool { true }
    public func addInput(_ input: AVCaptureInput) {}
    public func removeInput(_ input: AVCaptureInput) {}
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { true }
    public func addOutput(_ output: AVCaptureOutput) {}
    public func startRunning() {}
    public func stopRunning() {}
}

public class AVCaptureVideoPreviewLayer: CALayer {
    public var videoGravity = AVLayerVideoGravity.resizeAspectFill
    public var connection: AVCaptureConnection? { nil }
    public init(session: AVCaptureSession) {}
}

public class AVCaptureDevice: NSObject {
    public enum Position: Sendable {
        case unspecified, back, front
    }
    public struct DeviceType: Sendable {
        public static let builtInWideAngleCamera = DeviceType()
        public static let builtInUltraWideCamera = DeviceType()
        public static let builtInTelephotoCamera = DeviceType()
    }
    public class DiscoverySession: NSObject {
        public let devices: [AVCaptureDevice] = []
        public init(deviceTypes: [DeviceType], mediaType: AVMediaType?, position: Position) {}
    }
    public class RotationCoordinator: NSObject {
        public let videoRotationAngleForHorizonLevelPreview: CGFloat = 0
        public init(device: AVCaptureDevice, previewLayer: CALayer?) {}
        public func observe<Value>(
            _ keyPath: KeyPath<RotationCoordinator, Value>, options: NSKeyValueObservingOptions,
            changeHandler: @escaping @Sendable (RotationCoordinator, NSKeyValueObservedChange<Value>) -> Void
        ) -> NSKeyValueObservation { NSKeyValueObservation() }
    }
    public let uniqueID = ""
    public let localizedName = ""
    public let position = Position.back
    public init?(uniqueID: String) { nil }
    public static func requestAccess(for type: AVMediaType) async -> Bool { true }
    public static func `default`(for type: AVMediaType) -> AVCaptureDevice? { nil }
    public static func `default`(_ type: DeviceType, for media: AVMediaType?, position: Position) -> AVCaptureDevice? { nil }
    public func supportsSessionPreset(_ preset: AVCaptureSession.Preset) -> Bool { true }
}

public struct NSKeyValueObservingOptions: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let initial = NSKeyValueObservingOptions(rawValue: 1)
    public static let new = NSKeyValueObservingOptions(rawValue: 2)
}
public struct NSKeyValueObservedChange<Value> {}
public class NSKeyValueObservation: NSObject {}

public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
    func captureOutput(_ output: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection)
}

public class AVCaptureVideoDataOutput: AVCaptureOutput {
    public var alwaysDiscardsLateVideoFrames = false
    public var videoSettings: [String: Any]! = [:]
    public func setSampleBufferDelegate(
        _ delegate: (any AVCaptureVideoDataOutputSampleBufferDelegate)?, queue: DispatchQueue?
    ) {}
}

public struct AVAsyncProperty<Root, Value>: Sendable {
    public init() {}
}
extension AVAsyncProperty where Root == AVAssetTrack, Value == CGAffineTransform {
    public static var preferredTransform: AVAsyncProperty { AVAsyncProperty() }
}
public class AVAssetTrack: NSObject, @unchecked Sendable {
    public func load<Value>(_ property: AVAsyncProperty<AVAssetTrack, Value>) async throws -> sending Value { fatalError() }
}
public class AVAsset: NSObject, @unchecked Sendable {
    public func loadTracks(withMediaType type: AVMediaType) async throws -> [AVAssetTrack] { [] }
}
public class AVURLAsset: AVAsset, @unchecked Sendable {
    public init(url: URL) {}
}
public class AVAssetReaderOutput: NSObject {
    public func copyNextSampleBuffer() -> CMSampleBuffer? { nil }
}
public class AVAssetReaderTrackOutput: AVAssetReaderOutput {
    public init(track: AVAssetTrack, outputSettings: [String: Any]?) {}
}
public class AVAssetReader: NSObject {
    public var error: (any Error)? { nil }
    public init(asset: AVAsset) throws {}
    public func add(_ output: AVAssetReaderOutput) {}
    public func startReading() -> Bool { true }
}
