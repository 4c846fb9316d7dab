import AVFoundation
import Detector

/// The phone's camera as a stream of frames. Late frames are dropped, first by the system, then by the stream.
final class Camera: NSObject, @unchecked Sendable {
    /// A camera frame, and whether the preview shows it mirrored.
    struct CapturedFrame: Sendable {
        let frame: Frame
        let isMirrored: Bool
    }

    enum Problem: LocalizedError {
        case forbidden, missing

        var errorDescription: String? {
            switch self {
            case .forbidden: "The camera may not be used. Allow it in Settings, under Privacy, Camera."
            case .missing: "This device has no camera that can be used."
            }
        }
    }

    /// The preview layer, kept level when the phone is rotated.
    let preview: AVCaptureVideoPreviewLayer

    // The state below is accessed on this queue only, which makes the class safe to share.
    private let queue = DispatchQueue(label: "camera")
    private let session = AVCaptureSession()
    private let output = AVCaptureVideoDataOutput()
    private var position = AVCaptureDevice.Position.back
    /// The rotation of frames in degrees, the same as that of the preview, so that boxes match the preview.
    /// Nil until the camera has reported it.
    private var angle: Int?
    private var continuation: AsyncStream<CapturedFrame>.Continuation?
    private var index = 0

    // Observing the preview's angle needs the main thread, as the layer does.
    @MainActor private var rotation: AVCaptureDevice.RotationCoordinator?
    @MainActor private var angleObservation: NSKeyValueObservation?

    override init() {
        preview = AVCaptureVideoPreviewLayer(session: session)
        preview.videoGravity = .resizeAspectFill
        super.init()
    }

    /// Starts the camera, after asking the user for permission if needed.
    func start() async throws -> AsyncStream<CapturedFrame> {
        guard await AVCaptureDevice.requestAccess(for: .video) else { throw Problem.forbidden }
        let (stream, continuation) = AsyncStream.makeStream(of: CapturedFrame.self, bufferingPolicy: .bufferingNewest(1))
        try await onQueue { camera in
            camera.continuation?.finish()
            camera.continuation = continuation
            try camera.connect()
            camera.session.startRunning()
        }
        return stream
    }

    func stop() {
        queue.async { [self] in
            continuation?.finish()
            continuation = nil
            session.stopRunning()
        }
    }

    /// Switches between the back and the front camera.
    func switchCamera() {
        queue.async { [self] in
            position = position == .back ? .front : .back
            // Without another camera, keep the current one.
            if (try? connect()) == nil {
                position = position == .back ? .front : .back
                try? connect()
            }
        }
    }

    private func onQueue(_ work: @escaping @Sendable (Camera) throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { [self] in
                continuation.resume(with: Result { try work(self) })
            }
        }
    }

    private func connect() throws {
        guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: position) else {
            throw Problem.missing
        }
        let input = try AVCaptureDeviceInput(device: device)
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.sessionPreset = .hd1280x720
        session.inputs.forEach(session.removeInput)
        guard session.canAddInput(input) else { throw Problem.missing }
        session.addInput(input)
        if session.outputs.isEmpty {
            output.alwaysDiscardsLateVideoFrames = true
            // The camera's native format, which needs no conversion.
            let format = kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
            output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: format]
            output.setSampleBufferDelegate(self, queue: queue)
            guard session.canAddOutput(output) else { throw Problem.missing }
            session.addOutput(output)
        }
        angle = nil
        Task { @MainActor in
            keepLevel(device)
        }
    }

    /// Keeps the preview and the frames level.
    @MainActor
    private func keepLevel(_ device: AVCaptureDevice) {
        let rotation = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: preview)
        self.rotation = rotation
        angleObservation = rotation.observe(\.videoRotationAngleForHorizonLevelPreview, options: [.initial, .new]) {
            [self] rotation, _ in
            let angle = rotation.videoRotationAngleForHorizonLevelPreview
            if let connection = preview.connection, connection.isVideoRotationAngleSupported(angle) {
                connection.videoRotationAngle = angle
            }
            queue.async { [self] in
                self.angle = Int(angle)
            }
        }
    }
}

extension Camera: AVCaptureVideoDataOutputSampleBufferDelegate {
    func captureOutput(_ output: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection) {
        guard let buffer = CMSampleBufferGetImageBuffer(sample), let continuation, let angle else { return }
        let time = CMSampleBufferGetPresentationTimeStamp(sample).seconds
        let rotation = Rotation(rawValue: angle) ?? .none
        guard let frame = try? Frame(buffer, rotation: rotation, index: index, time: time) else { return }
        index += 1
        continuation.yield(CapturedFrame(frame: frame, isMirrored: position == .front))
    }
}
