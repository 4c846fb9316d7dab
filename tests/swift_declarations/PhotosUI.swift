@_exported import CoreTransferable
import SwiftUI

public struct PhotosPickerItem: Equatable, Sendable {
    public var supportedContentTypes: [UTType] { [] }
    public func loadTransferable<T: Transferable>(type: T.Type) async throws -> T? { nil }
}
public struct PHPickerFilter: Sendable {
    public static let images = PHPickerFilter()
    public static let videos = PHPickerFilter()
    public static func any(of filters: [PHPickerFilter]) -> PHPickerFilter { PHPickerFilter() }
}
public struct PhotosPicker<Label: View>: View {
    public init(
        selection: Binding<PhotosPickerItem?>, matching: PHPickerFilter? = nil, @ViewBuilder label: () -> Label
    ) {}
    public var body: Never { fatalError() }
}
