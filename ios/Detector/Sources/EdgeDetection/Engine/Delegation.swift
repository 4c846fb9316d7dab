/// Which part of a model an accelerator runs; the CPU runs the rest.
///
/// A delegate takes the operators that it supports. Each change between it and the CPU copies tensors, so that a model of
/// which it takes a part only may be slower than on the CPU alone.
public struct Delegation: Hashable, Sendable {
    /// The number of the model's operators.
    public let operators: Int
    /// How many of them the accelerator runs.
    public let delegated: Int
    /// In how many pieces it runs them: 1 if they follow each other.
    public let pieces: Int

    public init(operators: Int, delegated: Int, pieces: Int) {
        self.operators = operators
        self.delegated = delegated
        self.pieces = pieces
    }

    /// Whether the accelerator runs the whole model.
    public var isComplete: Bool { delegated >= operators }
}
