@_exported import UniformTypeIdentifiers

public protocol Transferable {
    associatedtype Representation: TransferRepresentation
    @TransferRepresentationBuilder static var transferRepresentation: Representation { get }
}
public protocol TransferRepresentation: Sendable {}
@resultBuilder public enum TransferRepresentationBuilder {
    public static func buildBlock<Content: TransferRepresentation>(_ content: Content) -> Content { content }
}
public struct ReceivedTransferredFile: Sendable {
    public let file: URL
}
public struct FileRepresentation<Item: Transferable>: TransferRepresentation {
    public init(
        importedContentType: UTType, shouldAllowToOpenInPlace: Bool = false,
        importing: @escaping @Sendable (ReceivedTransferredFile) async throws -> Item
    ) {}
}
