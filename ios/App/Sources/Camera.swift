import AVFoundation
import Detector

/// The phone's camera as a stream of frames. Late ones are dropped, first by the system, then by the stream.
final class Camera: NSObject, @unchecked Sendable {
    /// A frame, and whether the preview shows it mirrored.
    struct Shot: Sendable {
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

    /// The camera's picture for the screen, kept level as the phone is turned.
    let preview: AVCaptureVideoPreviewLayer

    // Everything below is touched on this queue only, which is what makes the class safe to share.
    private let queue = DispatchQueue(label: "camera")
    private let session = AVCaptureSession()
    private let output = AVCaptureVideoDataOutput()
    private var position = AVCaptureDevice.Position.back
    /// How far frames are turned, in degrees: as the preview is, so that boxes lie where it shows their objects.
    /// Nil until a camera has said it.
    private var angle: Int?
    private var shots: AsyncStream<Shot>.Continuation?
    private var index = 0

    // What watches the preview's angle stays on the main thread, as the layer does.
    @MainActor private var rotation: AVCaptureDevice.RotationCoordinator?
    @MainActor private var levelling: NSKeyValueObservation?

    override init() {
        preview = AVCaptureVideoPreviewLayer(session: session)
        preview.videoGravity = .resizeAspectFill
        super.init()
    }

    /// Asks for permission where it was not given yet, and starts.
    func start() async throws -> AsyncStream<Shot> {
        guard await AVCaptureDevice.requestAccess(for: .video) else { throw Problem.forbidden }
        let (stream, continuation) = AsyncStream.makeStream(of: Shot.self, bufferingPolicy: .bufferingNewest(1))
        try await onQueue { camera in
            camera.shots?.finish()
            camera.shots = continuation
            try camera.connect()
            camera.session.startRunning()
        }
        return stream
    }

    func stop() {
        queue.async { [self] in
            shots?.finish()
            shots = nil
            session.stopRunning()
        }
    }

    /// From the back camera to the front one, or the other way round.
    func turn() {
        queue.async { [self] in
            position = position == .back ? .front : .back
            // Where there is no other camera, this one goes on.
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
            // What the camera gives anyway, so that nothing is converted on the way.
            let format = kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
            output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: format]
            output.setSampleBufferDelegate(self, queue: queue)
            guard session.canAddOutput(output) else { throw Problem.missing }
            session.addOutput(output)
        }
        angle = nil
        Task { @MainActor in
            level(device)
        }
    }

    /// Keeps the preview level, and frames with it.
    @MainActor
    private func level(_ device: AVCaptureDevice) {
        let rotation = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: preview)
        self.rotation = rotation
        levelling = rotation.observe(\.videoRotationAngleForHorizonLevelPreview, options: [.initial, .new]) {
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
        guard let buffer = CMSampleBufferGetImageBuffer(sample), let shots, let angle else { return }
        let time = CMSampleBufferGetPresentationTimeStamp(sample).seconds
        let turn = Rotation(rawValue: angle) ?? .none
        guard let frame = try? Frame(buffer, rotation: turn, index: index, time: time) else { return }
        index += 1
        shots.yield(Shot(frame: frame, isMirrored: position == .front))
    }
}
