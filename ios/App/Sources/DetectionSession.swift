import EdgeDetection
import Foundation
import Observation

/// The state behind the screens: a camera or a file, a detector, and its latest result.
@MainActor
@Observable
final class DetectionSession {
    let camera = Camera()
    let library = ModelLibrary()

    var settings = Settings.load() {
        didSet { settings.save() }
    }
    private(set) var model: URL?
    private(set) var isLoading = false
    private(set) var result: FrameResult?
    private(set) var engineName = ""
    private(set) var attempts: [EngineAttempt] = []
    private(set) var speed = SpeedMeter()
    /// Says what is wrong with the model or the file; nil while nothing is.
    private(set) var problem: String?
    /// Says why the camera gives no frames; nil while it does.
    private(set) var cameraProblem: String?
    /// Whether the user has refused the camera, which only the system's settings can change.
    private(set) var isCameraForbidden = false
    /// The threshold, at first the one in the model's file; nil until a model is loaded.
    private(set) var threshold: Double?
    /// The thresholds of single classes, by name.
    private(set) var classThresholds: [String: Double] = [:]
    /// The classes of the model.
    private(set) var labels: [String] = []
    /// How warm the device was at the latest frame.
    private(set) var thermalLevel = ThermalLevel.nominal
    /// The zone that is being drawn; nil while none is.
    var zoneDraft: ZoneDraft?
    private(set) var media: Media?

    /// An image or video that is shown instead of the camera.
    enum Media: Equatable {
        case image(URL)
        case video(URL)
    }

    /// One frame's result. `frame` is kept to be shared or shown; a camera's is shown by its preview.
    struct FrameResult {
        let frame: Frame
        let detection: DetectionResult
        let isMirrored: Bool
    }

    private var detector: Detector?
    private var tracker = ObjectTracker()
    private var loading: Task<Void, Never>?
    private var processing: Task<Void, Never>?
    private var watching: Task<Void, Never>?
    private var lastTime = -Double.infinity
    /// The zone that is being changed; nil for a new one.
    private var changedZone: Zone?

    func resume() {
        library.refresh()
        problem = library.problem ?? problem
        if model == nil {
            let kept = library.models.first { $0.lastPathComponent == settings.model }
            if let first = kept ?? library.models.first {
                select(first)
            }
        }
        watching = watching ?? Task { await watchCamera() }
        start()
    }

    func pause() {
        processing?.cancel()
        processing = nil
        camera.stop()
    }

    func useLens(_ lens: Camera.Lens.ID) {
        settings.lens = lens
        restart()
    }

    func useAccelerator(_ accelerator: Accelerator?) {
        settings.accelerator = accelerator
        if let model {
            select(model)
        }
    }

    /// Shows an image or video, or the camera again if `media` is nil.
    func show(_ media: Media?) {
        self.media = media
        problem = nil
        restart()
    }

    func report(_ error: any Error) {
        problem = error.localizedDescription
    }

    /// Loads another model. If several are chosen in a row, the last one wins.
    func select(_ url: URL) {
        model = url
        settings.model = url.lastPathComponent
        detector = nil
        result = nil
        problem = nil
        isLoading = true
        loading?.cancel()
        var options = DetectorOptions(scoreThreshold: settings.thresholds[url.lastPathComponent])
        if let accelerator = settings.accelerator {
            // The CPU steps in where the accelerator cannot run the model.
            options.accelerators = accelerator == .cpu ? [.cpu] : [accelerator, .cpu]
            options.engineChoice = .first
        }
        let chosen = options
        loading = Task {
            // Loading is slow: keep it off the main thread.
            let outcome = await Task.detached { () -> Result<Detector, DetectorError> in
                Result { () throws(DetectorError) in try Detector(path: url.path, options: chosen) }
            }.value
            guard !Task.isCancelled else { return }
            isLoading = false
            switch outcome {
            case .success(let loaded):
                await use(loaded)
            case .failure(let error):
                problem = error.description
            }
        }
    }

    private func use(_ loaded: Detector) async {
        labels = loaded.labels.names
        for (label, own) in model.flatMap({ settings.classThresholds?[$0.lastPathComponent] }) ?? [:] {
            // Another file of the same name may lack the class.
            try? await loaded.setScoreThreshold(own, for: label)
        }
        classThresholds = await loaded.scoreThresholds
        threshold = await loaded.scoreThreshold
        engineName = await loaded.engineName
        attempts = await loaded.engineAttempts
        speed = SpeedMeter()
        detector = loaded
        if media != nil {
            // An image is processed once; the new model has not seen it.
            restart()
        }
    }

    /// Copies a model that the user has picked in Files into the app, and loads it.
    func importModel(_ picked: Result<URL, any Error>) {
        Task {
            do {
                select(try await library.importModel(picked.get()))
            } catch {
                report(error)
            }
        }
    }

    func setThreshold(_ threshold: Double) {
        self.threshold = threshold
        if let model {
            settings.thresholds[model.lastPathComponent] = threshold
        }
        Task {
            await detector?.setScoreThreshold(threshold)
            detectAgain()
        }
    }

    /// Changes the threshold of the class `label`; nil stands for that of all.
    func setThreshold(_ threshold: Double?, for label: String) {
        classThresholds[label] = threshold
        if let model {
            settings.classThresholds = settings.classThresholds ?? [:]
            settings.classThresholds?[model.lastPathComponent] = classThresholds
        }
        Task {
            try? await detector?.setScoreThreshold(threshold, for: label)
            detectAgain()
        }
    }

    /// Begins to change `zone`, or to draw a new one.
    func beginZone(_ zone: Zone?) {
        changedZone = zone
        zoneDraft = ZoneDraft(zone)
    }

    /// Ends drawing. The zone is kept if `keep`, under its old name or the first free number.
    func endZone(keep: Bool) {
        defer { zoneDraft = nil }
        guard keep, let points = zoneDraft?.points else { return }
        if let index = settings.zones.firstIndex(where: { $0 == changedZone }) {
            settings.zones[index] = Zone(name: settings.zones[index].name, points: points)
        } else {
            let names = Set(settings.zones.map(\.name))
            let free = (1...).lazy.map { String(localized: "Zone \(String($0))") }.first { !names.contains($0) }
            settings.zones.append(Zone(name: free ?? "", points: points))
        }
    }

    /// An image is processed once: with other thresholds, again.
    private func detectAgain() {
        if case .image = media {
            processing?.cancel()
            processing = nil
            start()
        }
    }

    private func restart() {
        processing?.cancel()
        processing = nil
        result = nil
        tracker = ObjectTracker()
        start()
    }

    private func start() {
        processing = processing ?? Task { await processFrames() }
    }

    /// Runs the detector on the camera or the file until cancelled.
    private func processFrames() async {
        do {
            switch media {
            case nil:
                cameraProblem = nil
                isCameraForbidden = false
                // Only the newest frame waits; older ones are dropped.
                for await captured in try await camera.start(settings.lens) where isDue(captured.frame) {
                    await process(captured.frame, isMirrored: captured.isMirrored)
                }
            case .image(let url):
                camera.stop()
                let frame = try await Task.detached { try MediaFiles.image(url) }.value
                await process(frame, isMirrored: false)
            case .video(let url):
                camera.stop()
                for try await frame in MediaFiles.video(url) {
                    await process(frame, isMirrored: false)
                }
            }
        } catch {
            guard !Task.isCancelled else { return }
            if media == nil {
                cameraProblem = error.localizedDescription
                if case Camera.Problem.forbidden = error {
                    isCameraForbidden = true
                }
                // The next time that the app becomes active, it tries again.
                processing = nil
            } else {
                report(error)
            }
        }
    }

    /// Whether the device is cool enough for another frame.
    private func isDue(_ frame: Frame) -> Bool {
        let level = ThermalLevel(rawValue: ProcessInfo.processInfo.thermalState.rawValue) ?? .nominal
        thermalLevel = level
        // A camera's times only rise; another camera's may start anew.
        guard frame.time >= lastTime + level.frameInterval || frame.time < lastTime else { return false }
        lastTime = frame.time
        return true
    }

    private func process(_ frame: Frame, isMirrored: Bool) async {
        guard let detector else { return }
        do {
            let detected = try await detector.detect(frame)
            let attempts = await detector.engineAttempts
            // If another model was chosen in the meantime, this result is stale.
            guard detector === self.detector, !Task.isCancelled else { return }
            self.attempts = attempts
            engineName = detected.engineName
            speed.add(detected)
            result = FrameResult(frame: frame, detection: tracked(detected), isMirrored: isMirrored)
            problem = nil
        } catch {
            // The detector stays: it tries other engines for the next frame.
            result = nil
            problem = error.description
        }
    }

    private func tracked(_ result: DetectionResult) -> DetectionResult {
        guard settings.tracksObjects else { return result }
        return DetectionResult(
            detections: tracker.update(result.detections, time: result.timestamp), timestamp: result.timestamp,
            imageSize: result.imageSize, timings: result.timings, engineName: result.engineName)
    }

    private func watchCamera() async {
        for await state in camera.states {
            switch state {
            case .running: cameraProblem = nil
            case .stopped: break
            case .interrupted(let reason): cameraProblem = reason
            case .failed(let reason):
                cameraProblem = reason
                processing?.cancel()
                processing = nil
            }
        }
    }
}
