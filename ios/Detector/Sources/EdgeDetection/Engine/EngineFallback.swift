/// Runs a model on the best of several engines, and on the next one if an engine fails.
///
/// - The engines are loaded and run once on a black image: some delegates fail only then.
/// - With `EngineChoice.fastest`, those that run take turns on the first frames, and the one with the lowest median time
///   is kept. Turns, since a phone that gets warm slows down all engines alike.
/// - An engine that fails while it runs a frame is dropped, and the frame is given to the next one. After a pause the
///   dropped one is loaded again: iOS refuses an app in the background the GPU, and grants it in the foreground.
/// - If the chosen engine gets slower than another one was, as it may in a warm phone, they are compared again.
final class EngineFallback {
    typealias Load = @Sendable (Accelerator) throws(DetectorError) -> any Engine

    /// How many runs of each engine are compared, and how many before them only warm up caches.
    static let measuredRuns = 8
    static let warmUpRuns = 2
    /// Seconds until an engine that failed is loaded again; twice as many after each further failure.
    static let firstPause = 5.0
    static let longestPause = 300.0
    /// An engine this many times as slow as another one was is compared with it again, at most once in this many seconds.
    static let slowdown = 1.3
    static let comparisonPause = 60.0

    private enum State {
        case loaded(any Engine)
        /// Not loaded: released after it was measured, or not needed so far.
        case waiting
        /// Cannot be loaded, or does not run the model at all.
        case unusable(reason: String)
        /// Failed while it ran a frame; is loaded again at `retry`, in seconds of the clock.
        case dropped(reason: String, retry: Double)
    }

    private struct Candidate {
        let accelerator: Accelerator
        var state: State
        var milliseconds: [Double] = []
        var failures = 0
        /// Of the engine that was loaded last.
        var delegation: Delegation?

        var engine: (any Engine)? {
            if case .loaded(let engine) = state { engine } else { nil }
        }

        var failure: String? {
            switch state {
            case .unusable(let reason), .dropped(let reason, _): reason
            case .loaded, .waiting: nil
            }
        }

        var median: Double? {
            guard milliseconds.count > warmUpRuns else { return nil }
            return milliseconds.dropFirst(warmUpRuns).sorted()[(milliseconds.count - warmUpRuns) / 2]
        }
    }

    private var candidates: [Candidate] = []
    /// Nil for an engine of the caller's, which is neither loaded nor replaced here.
    private let load: Load?
    private let choice: EngineChoice
    private let clock: () -> Double
    private var lastComparison: Double

    /// Loads the engines of `accelerators` with `load`: all of them if the fastest is wanted, else the first that runs.
    ///
    /// `clock` gives seconds from any start. Throws the last accelerator's error if none can run the model, and `engine`
    /// if `accelerators` is empty.
    init(
        _ accelerators: [Accelerator], choice: EngineChoice = .fastest, clock: @escaping () -> Double = monotonicSeconds,
        load: @escaping Load
    ) throws(DetectorError) {
        self.load = load
        self.choice = choice
        self.clock = clock
        lastComparison = clock()
        candidates = accelerators.map { Candidate(accelerator: $0, state: .waiting) }
        var last = DetectorError.engine(reason: "no accelerator was allowed; name at least the CPU")
        for index in candidates.indices where choice == .fastest || current == nil {
            do throws(DetectorError) {
                try start(index)
            } catch {
                candidates[index].state = .unusable(reason: error.reason)
                last = error
            }
        }
        if current == nil {
            throw last
        }
    }

    /// Runs a model on the caller's own engine only.
    init(_ engine: any Engine) {
        load = nil
        choice = .first
        clock = monotonicSeconds
        lastComparison = 0
        candidates = [Candidate(accelerator: .cpu, state: .loaded(engine))]
    }

    /// A loaded engine, whose inputs and outputs are the model's; nil after each one has failed.
    var engine: (any Engine)? {
        current.flatMap { candidates[$0].engine }
    }

    /// What came of each accelerator that was tried; empty for the caller's own engine.
    var attempts: [EngineAttempt] {
        guard load != nil else { return [] }
        return candidates.compactMap { candidate in
            let outcome: EngineAttempt.Outcome
            switch candidate.state {
            case .loaded: outcome = loaded.count > 1 ? .measuring : .chosen
            case .waiting where candidate.median == nil: return nil
            case .waiting: outcome = .slower
            case .unusable(let reason), .dropped(let reason, _): outcome = .failed(reason: reason)
            }
            return EngineAttempt(
                accelerator: candidate.accelerator, outcome: outcome, milliseconds: candidate.median,
                delegation: candidate.delegation)
        }
    }

    /// Runs the model on the bytes of its input tensor. Returns the outputs and the name of the engine that made them.
    ///
    /// Throws the last engine's error if each one has failed; the next call then loads engines again.
    func invoke(_ input: [UInt8]) throws(DetectorError) -> (outputs: [Tensor], engineName: String) {
        restoreDropped()
        var last: DetectorError?
        while let index = current ?? loadNext(haveFailed: last != nil), let engine = candidates[index].engine {
            let start = clock()
            do throws(DetectorError) {
                let outputs = try engine.invoke(input)
                record(1000 * (clock() - start), index)
                return (outputs, engine.name)
            } catch {
                guard load != nil else { throw error }
                drop(index, error)
                last = error
            }
        }
        throw last ?? .engine(reason: candidates.compactMap(\.failure).last ?? "no accelerator is left")
    }

    private var loaded: [Int] {
        candidates.indices.filter { candidates[$0].engine != nil }
    }

    /// The engine that runs the next frame: of those that are compared, the one with the fewest runs.
    private var current: Int? {
        loaded.min { candidates[$0].milliseconds.count < candidates[$1].milliseconds.count }
    }

    private func record(_ milliseconds: Double, _ index: Int) {
        candidates[index].milliseconds.append(milliseconds)
        let runs = EngineFallback.warmUpRuns + EngineFallback.measuredRuns
        let loaded = loaded
        if loaded.count > 1 {
            guard loaded.allSatisfy({ candidates[$0].milliseconds.count >= runs }) else { return }
            let fastest = loaded.min { (candidates[$0].median ?? .infinity) < (candidates[$1].median ?? .infinity) }
            for other in loaded where other != fastest {
                candidates[other].state = .waiting
            }
            lastComparison = clock()
        } else if candidates[index].milliseconds.count > 2 * runs {
            // The latest runs only, so that the median is that of a warm phone too.
            candidates[index].milliseconds.removeFirst()
            compareAgainIfSlow(index)
        }
    }

    private func compareAgainIfSlow(_ index: Int) {
        guard choice == .fastest, clock() >= lastComparison + EngineFallback.comparisonPause,
            let median = candidates[index].median
        else { return }
        let others = candidates.indices.filter { other in
            if case .waiting = candidates[other].state, let theirs = candidates[other].median {
                median > EngineFallback.slowdown * theirs
            } else {
                false
            }
        }
        guard !others.isEmpty else { return }
        lastComparison = clock()
        candidates[index].milliseconds = []
        others.forEach(reload)
    }

    private func drop(_ index: Int, _ error: DetectorError) {
        let pause = EngineFallback.firstPause * Double(1 << min(candidates[index].failures, 16))
        let retry = clock() + min(pause, EngineFallback.longestPause)
        candidates[index].failures += 1
        candidates[index].state = .dropped(reason: error.reason, retry: retry)
    }

    /// Loads dropped engines whose pause is over, to be compared with the current one again, or to take its place if the
    /// first that runs is wanted.
    private func restoreDropped() {
        for index in candidates.indices {
            guard case .dropped(_, let retry) = candidates[index].state, clock() >= retry else { continue }
            reload(index)
            guard candidates[index].engine != nil else { continue }
            for other in loaded where other != index {
                candidates[other].milliseconds = []
                if choice == .first {
                    candidates[max(index, other)].state = .waiting
                }
            }
        }
    }

    /// Loads an engine where none is left. `haveFailed` says whether some have failed to run this very frame.
    private func loadNext(haveFailed: Bool) -> Int? {
        let others = candidates.indices.filter { index in
            switch candidates[index].state {
            case .waiting: true
            // Before the end of its pause, since there is nothing else.
            case .dropped: !haveFailed
            case .loaded, .unusable: false
            }
        }
        for index in others.sorted(by: { (candidates[$0].failures, $0) < (candidates[$1].failures, $1) }) {
            reload(index)
            if candidates[index].engine != nil { return index }
        }
        return nil
    }

    private func reload(_ index: Int) {
        do throws(DetectorError) {
            try start(index)
            candidates[index].milliseconds = []
        } catch {
            drop(index, error)
        }
    }

    private func start(_ index: Int) throws(DetectorError) {
        let engine = try running(candidates[index].accelerator)
        candidates[index].state = .loaded(engine)
        candidates[index].delegation = engine.delegation
    }

    /// The engine of `accelerator`, after one run on a black image.
    private func running(_ accelerator: Accelerator) throws(DetectorError) -> any Engine {
        guard let load else { throw .engine(reason: "the engine is the caller's") }
        let engine = try load(accelerator)
        guard let input = engine.inputs.first else { return engine }
        _ = try engine.invoke([UInt8](repeating: 0, count: input.shape.reduce(input.type.size, *)))
        return engine
    }
}

/// Seconds of a clock that is never set.
func monotonicSeconds() -> Double {
    start.duration(to: .now).milliseconds / 1000
}

private let start = ContinuousClock.now

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
    }
}

extension DetectorError {
    /// The reason of an engine's error, or the whole message of any other.
    fileprivate var reason: String {
        if case .engine(let reason) = self { reason } else { description }
    }
}
