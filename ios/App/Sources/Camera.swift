import AVFoundation
import EdgeDetection

/// The phone's cameras as a stream of frames. Late frames are dropped, first by the system, then by the stream.
final class Camera: NSObject, @unchecked Sendable {
    /// A camera frame, and whether the preview shows it mirrored.
    struct CapturedFrame: Sendable {
        let frame: Frame
        let isMirrored: Bool
    }

    /// One of the device's cameras, such as the back ultra wide one.
    struct Lens: Hashable, Identifiable, Sendable {
        let id: String
        let name: String
    }

    enum State: Equatable, Sendable {
        case stopped, running
        /// The system has taken the camera away and will give it back.
        case interrupted(reason: String)
        /// The camera failed; starting it again may help.
        case failed(reason: String)
    }

    enum Problem: LocalizedError {
        case forbidden, missing

        var errorDescription: String? {
            switch self {
            case .forbidden: String(localized: "The camera may not be used. Allow it in Settings.")
            case .missing: String(localized: "This device has no camera that can be used. Images and videos can be opened instead.")
            }
        }
    }

    /// The preview layer, kept level when the phone is rotated.
    let preview: AVCaptureVideoPreviewLayer
    /// The camera's states from now on.
    let states: AsyncStream<State>

    private let stateContinuation: AsyncStream<State>.Continuation

    // The state below is accessed on this queue only, which makes the class safe to share.
    private let queue = DispatchQueue(label: "camera")
    private let session = AVCaptureSession()
    private let output = AVCaptureVideoDataOutput()
    private var isFront = false
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
        (states, stateContinuation) = AsyncStream.makeStream(of: State.self, bufferingPolicy: .bufferingNewest(1))
        super.init()
        observe(AVCaptureSession.wasInterruptedNotification) { camera, information in
            let number = information?[AVCaptureSessionInterruptionReasonKey] as? Int
            let reason = number.flatMap(AVCaptureSession.InterruptionReason.init(rawValue:))
            camera.report(.interrupted(reason: Camera.text(reason)))
        }
        observe(AVCaptureSession.interruptionEndedNotification) { camera, _ in camera.startAgain() }
        observe(AVCaptureSession.runtimeErrorNotification) { camera, information in
            let error = information?[AVCaptureSessionErrorKey] as? AVError
            if error?.code == .mediaServicesWereReset {
                camera.startAgain()
            } else {
                let reason = error?.localizedDescription ?? String(localized: "unknown error")
                camera.report(.failed(reason: String(localized: "The camera stopped: \(reason)")))
            }
        }
    }

    /// The cameras of this device.
    static var lenses: [Lens] {
        let types: [AVCaptureDevice.DeviceType] = [
            .builtInWideAngleCamera, .builtInUltraWideCamera, .builtInTelephotoCamera,
        ]
        let found = AVCaptureDevice.DiscoverySession(deviceTypes: types, mediaType: .video, position: .unspecified)
        return found.devices.map { Lens(id: $0.uniqueID, name: $0.localizedName) }
    }

    /// Starts the camera `lens`, or any if that is nil or not there, after asking the user for permission if needed.
    func start(_ lens: Lens.ID?) async throws -> AsyncStream<CapturedFrame> {
        guard await AVCaptureDevice.requestAccess(for: .video) else { throw Problem.forbidden }
        let (stream, continuation) = AsyncStream.makeStream(of: CapturedFrame.self, bufferingPolicy: .bufferingNewest(1))
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            queue.async { [self] in
                self.continuation?.finish()
                self.continuation = continuation
                done.resume(
                    with: Result {
                        try connect(lens)
                        session.startRunning()
                        stateContinuation.yield(.running)
                    })
            }
        }
        return stream
    }

    func stop() {
        queue.async { [self] in
            continuation?.finish()
            continuation = nil
            session.stopRunning()
            stateContinuation.yield(.stopped)
        }
    }

    private func report(_ state: State) {
        queue.async { [self] in
            if continuation != nil {
                stateContinuation.yield(state)
            }
        }
    }

    private func startAgain() {
        queue.async { [self] in
            guard continuation != nil else { return }
            if !session.isRunning {
                session.startRunning()
            }
            stateContinuation.yield(.running)
        }
    }

    /// Runs `handle` on each notification of the session. The observers stay as long as the app, as its only camera does.
    private func observe(
        _ name: Notification.Name, _ handle: @escaping @Sendable (Camera, [AnyHashable: Any]?) -> Void
    ) {
        _ = NotificationCenter.default.addObserver(forName: name, object: session, queue: nil) {
            @Sendable [weak self] notification in
            if let self {
                handle(self, notification.userInfo)
            }
        }
    }

    private static func text(_ reason: AVCaptureSession.InterruptionReason?) -> String {
        switch reason {
        case .videoDeviceInUseByAnotherClient: String(localized: "Another app uses the camera.")
        case .videoDeviceNotAvailableWithMultipleForegroundApps:
            String(localized: "The camera is off while several apps share the screen.")
        case .videoDeviceNotAvailableDueToSystemPressure: String(localized: "The camera is off until the device has cooled down.")
        default: String(localized: "The camera is interrupted.")
        }
    }

    private func connect(_ lens: Lens.ID?) throws {
        let chosen = lens.flatMap { AVCaptureDevice(uniqueID: $0) }
        let back = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: .back)
        guard let device = chosen ?? back ?? AVCaptureDevice.default(for: .video) else { throw Problem.missing }
        let input = try AVCaptureDeviceInput(device: device)
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.inputs.forEach(session.removeInput)
        session.sessionPreset = device.supportsSessionPreset(.hd1280x720) ? .hd1280x720 : .high
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
        isFront = device.position == .front
        angle = nil
        let id = device.uniqueID
        Task { @MainActor in
            keepLevel(id)
        }
    }

    /// Keeps the preview and the frames level.
    @MainActor
    private func keepLevel(_ lens: Lens.ID) {
        guard let device = AVCaptureDevice(uniqueID: lens) else { return }
        let rotation = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: preview)
        self.rotation = rotation
        angleObservation = rotation.observe(\.videoRotationAngleForHorizonLevelPreview, options: [.initial, .new]) {
            @Sendable [weak self] rotation, _ in
            let angle = rotation.videoRotationAngleForHorizonLevelPreview
            self?.turn(angle)
        }
    }

    private func turn(_ angle: CGFloat) {
        if let connection = preview.connection, connection.isVideoRotationAngleSupported(angle) {
            connection.videoRotationAngle = angle
        }
        queue.async { [self] in
            self.angle = Int(angle)
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
        continuation.yield(CapturedFrame(frame: frame, isMirrored: isFront))
    }
}
