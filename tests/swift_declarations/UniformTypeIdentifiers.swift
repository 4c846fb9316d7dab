@_exported import Foundation

public struct UTType: Sendable {
    public static let data = UTType()
    public static let image = UTType()
    public static let movie = UTType()
    private init() {}
    public init?(filenameExtension: String) { nil }
    public func conforms(to other: UTType) -> Bool { true }
}
