import Detector
import Foundation
import Observation

/// What the screen shows: a camera, a detector, and what it finds.
@MainActor
@Observable
final class DetectionSession {
    let camera = Camera()
    let library = ModelLibrary()

    private(set) var model: URL?
    private(set) var found: Found?
    private(set) var engineName = ""
    private(set) var stepsDown: [StepDown] = []
    /// Why nothing is found, for the user; nil where all is well.
    private(set) var problem: String?
    private(set) var score = 0.5

    /// One frame's detections with the size of the upright picture that they lie in.
    struct Found {
        let detections: [Detection]
        let timings: Timings
        let width: Int
        let height: Int
        let isMirrored: Bool
    }

    private var detector: Detector?
    private var loading: Task<Void, Never>?
    private var watching: Task<Void, Never>?

    func resume() {
        if model == nil, let first = library.models.first {
            select(first)
        }
        watching = watching ?? Task { await watch() }
    }

    func pause() {
        watching?.cancel()
        watching = nil
        camera.stop()
    }

    func turnCamera() {
        camera.turn()
    }

    /// Loads another model; the last one chosen wins.
    func select(_ url: URL) {
        model = url
        detector = nil
        found = nil
        problem = nil
        loading?.cancel()
        loading = Task {
            // Loading takes a moment; it is done away from the screen's thread.
            let result = await Task.detached { () -> Result<Detector, DetectorError> in
                Result { () throws(DetectorError) in try Detector(path: url.path) }
            }.value
            let defaultScore = await (try? result.get())?.score
            guard !Task.isCancelled else { return }
            switch result {
            case .success(let loaded):
                score = defaultScore ?? score
                engineName = loaded.engineName
                stepsDown = loaded.stepsDown
                detector = loaded
            case .failure(let error):
                problem = error.description
            }
        }
    }

    /// Takes a model that the user has picked in Files into the app, and loads it.
    func take(_ picked: Result<URL, any Error>) {
        Task {
            do {
                select(try await library.take(picked.get()))
            } catch {
                problem = error.localizedDescription
            }
        }
    }

    func setScore(_ score: Double) {
        self.score = score
        Task { await detector?.setScore(score) }
    }

    /// Looks at frames until it is cancelled. Only the newest frame waits; older ones are dropped.
    private func watch() async {
        do {
            for await shot in try await camera.start() {
                await look(at: shot)
            }
        } catch {
            problem = error.localizedDescription
        }
    }

    private func look(at shot: Camera.Shot) async {
        guard let detector else { return }
        do {
            let result = try await detector.detect(shot.frame)
            // A model chosen in the meantime must not show what the old one found.
            guard detector === self.detector else { return }
            let size = shot.frame.uprightSize
            found = Found(
                detections: result.detections, timings: result.timings, width: size.width, height: size.height,
                isMirrored: shot.isMirrored)
        } catch {
            self.detector = nil
            found = nil
            problem = error.description
        }
    }
}
