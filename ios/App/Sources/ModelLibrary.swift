import Foundation
import Observation

/// The models in the app's bundle, and those that the user took in from Files.
@MainActor
@Observable
final class ModelLibrary {
    private(set) var models: [URL] = []

    init() {
        refresh()
    }

    /// Copies a picked file into the app, so that it is there the next time; returns the copy.
    func take(_ picked: URL) async throws -> URL {
        // A file in the cloud is fetched first: not for the screen's thread.
        let copy = try await Task.detached { try Self.copied(picked) }.value
        refresh()
        return copy
    }

    private nonisolated static func copied(_ picked: URL) throws -> URL {
        let isScoped = picked.startAccessingSecurityScopedResource()
        defer {
            if isScoped {
                picked.stopAccessingSecurityScopedResource()
            }
        }
        let manager = FileManager.default
        try manager.createDirectory(at: taken, withIntermediateDirectories: true)
        let copy = taken.appendingPathComponent(picked.lastPathComponent)
        let temporary = taken.appendingPathComponent(UUID().uuidString)
        // Whole under its name, or not there.
        try manager.copyItem(at: picked, to: temporary)
        if manager.fileExists(atPath: copy.path) {
            _ = try manager.replaceItemAt(copy, withItemAt: temporary)
        } else {
            try manager.moveItem(at: temporary, to: copy)
        }
        return copy
    }

    private func refresh() {
        models = [Bundle.main.resourceURL?.appendingPathComponent("Models"), Self.taken].flatMap { folder in
            let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil) }
            let found = (files ?? []).filter { $0.pathExtension == "tflite" }
            return found.sorted { $0.lastPathComponent < $1.lastPathComponent }
        }
    }

    private nonisolated static let taken = URL.documentsDirectory.appendingPathComponent("Models")
}
