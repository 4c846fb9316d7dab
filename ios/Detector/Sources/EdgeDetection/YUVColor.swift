/// The color encoding of YUV pixels.
public struct YUVColor: Hashable, Sendable {
    public enum Matrix: String, CaseIterable, Sendable {
        case bt601, bt709
    }

    public let matrix: Matrix
    /// True for luma from 0 to 255 ("420f"), false for luma from 16 to 235 ("420v").
    public let isFullRange: Bool

    public init(matrix: Matrix, isFullRange: Bool) {
        self.matrix = matrix
        self.isFullRange = isFullRange
    }
}
