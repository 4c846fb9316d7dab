import Detector
import Foundation
import Observation

/// The state behind the screen: a camera, a detector, and its latest result.
@MainActor
@Observable
final class DetectionSession {
    let camera = Camera()
    let library = ModelLibrary()

    private(set) var model: URL?
    private(set) var result: FrameResult?
    private(set) var engineName = ""
    private(set) var skippedAccelerators: [SkippedAccelerator] = []
    /// An error message for the user; nil while there is no error.
    private(set) var problem: String?
    /// The threshold, at first the one in the model's file; nil until a model is loaded.
    private(set) var score: Double?

    /// One frame's detections, and the size in pixels of the upright image that their boxes refer to.
    struct FrameResult {
        let detections: [Detection]
        let timings: Timings
        let width: Int
        let height: Int
        let isMirrored: Bool
    }

    private var detector: Detector?
    private var loading: Task<Void, Never>?
    private var processing: Task<Void, Never>?

    func resume() {
        if model == nil, let first = library.models.first {
            select(first)
        }
        processing = processing ?? Task { await processFrames() }
    }

    func pause() {
        processing?.cancel()
        processing = nil
        camera.stop()
    }

    func switchCamera() {
        camera.switchCamera()
    }

    /// Loads another model. If several are chosen in a row, the last one wins.
    func select(_ url: URL) {
        model = url
        detector = nil
        result = nil
        problem = nil
        loading?.cancel()
        loading = Task {
            // Loading is slow: keep it off the main thread.
            let outcome = await Task.detached { () -> Result<Detector, DetectorError> in
                Result { () throws(DetectorError) in try Detector(path: url.path) }
            }.value
            let defaultScore = await (try? outcome.get())?.score
            guard !Task.isCancelled else { return }
            switch outcome {
            case .success(let loaded):
                score = defaultScore ?? score
                engineName = loaded.engineName
                skippedAccelerators = loaded.skippedAccelerators
                detector = loaded
            case .failure(let error):
                problem = error.description
            }
        }
    }

    /// Copies a model that the user has picked in Files into the app, and loads it.
    func importModel(_ picked: Result<URL, any Error>) {
        Task {
            do {
                select(try await library.importModel(picked.get()))
            } catch {
                problem = error.localizedDescription
            }
        }
    }

    func setScore(_ score: Double) {
        self.score = score
        Task { await detector?.setScore(score) }
    }

    /// Runs the detector on camera frames until cancelled. Only the newest frame waits; older ones are dropped.
    private func processFrames() async {
        do {
            for await captured in try await camera.start() {
                await process(captured)
            }
        } catch {
            problem = error.localizedDescription
        }
    }

    private func process(_ captured: Camera.CapturedFrame) async {
        guard let detector else { return }
        do {
            let detected = try await detector.detect(captured.frame)
            // If another model was chosen in the meantime, this result is stale.
            guard detector === self.detector else { return }
            let size = captured.frame.uprightSize
            result = FrameResult(
                detections: detected.detections, timings: detected.timings, width: size.width, height: size.height,
                isMirrored: captured.isMirrored)
        } catch {
            self.detector = nil
            result = nil
            problem = error.description
        }
    }
}
