/// The processors that can run a model.
public enum Accelerator: String, CaseIterable, Codable, Sendable {
    /// The Neural Engine, for models with float32 input.
    case coreML = "Core ML"
    /// The GPU.
    case metal = "Metal"
    case cpu = "CPU"
}

/// How one of several accelerators is chosen.
public enum EngineChoice: String, CaseIterable, Codable, Sendable {
    /// Those that run the model take turns on the first frames; the fastest is kept. An accelerator is often slower than
    /// the CPU for a small model, and only a measurement on the device itself can tell.
    case fastest
    /// The first that runs the model, in the order given.
    case first
}

/// What came of trying an accelerator.
public struct EngineAttempt: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
        /// It runs the model.
        case chosen
        /// It runs some of the first frames, to be compared with others.
        case measuring
        /// It can run the model, but another one is faster.
        case slower
        /// It cannot run the model, or failed while it ran it.
        case failed(reason: String)
    }

    public let accelerator: Accelerator
    public let outcome: Outcome
    /// The median time of a run in milliseconds, without pre- and postprocessing; nil if it was not measured.
    public let milliseconds: Double?
    /// Which part of the model it runs; nil for the CPU, and if it is not known.
    public let delegation: Delegation?

    public init(
        accelerator: Accelerator, outcome: Outcome, milliseconds: Double? = nil, delegation: Delegation? = nil
    ) {
        self.accelerator = accelerator
        self.outcome = outcome
        self.milliseconds = milliseconds
        self.delegation = delegation
    }
}
