/// How luma and chroma of a camera stand for colors.
public struct YUVColor: Hashable, Sendable {
    public enum Matrix: String, CaseIterable, Sendable {
        case bt601, bt709
    }

    public let matrix: Matrix
    /// False for luma from 16 to 235 ("420v"), true for 0 to 255 ("420f").
    public let isFullRange: Bool

    public init(matrix: Matrix, isFullRange: Bool) {
        self.matrix = matrix
        self.isFullRange = isFullRange
    }
}
