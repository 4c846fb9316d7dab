import Foundation
import Observation

/// The models in the app's bundle, and those that the user imported from Files.
@MainActor
@Observable
final class ModelLibrary {
    private(set) var models: [URL] = []
    /// Says why the models cannot be listed; nil if they can.
    private(set) var problem: String?

    /// Copies a picked file into the app, where it stays, and returns the copy.
    func importModel(_ picked: URL) async throws -> URL {
        // A file in iCloud is downloaded first: keep it off the main thread.
        let copy = try await Task.detached { try Self.copy(picked) }.value
        refresh()
        return copy
    }

    /// Lists the models again.
    func refresh() {
        problem = nil
        let folders = [Bundle.main.resourceURL?.appendingPathComponent("Models"), Self.importFolder].compactMap { $0 }
        models = folders.flatMap { folder -> [URL] in
            guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
            do {
                let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
                let models = files.filter { $0.pathExtension == "tflite" }
                return models.sorted { $0.lastPathComponent < $1.lastPathComponent }
            } catch {
                problem = error.localizedDescription
                return []
            }
        }
    }

    private nonisolated static func copy(_ picked: URL) throws -> URL {
        let isScoped = picked.startAccessingSecurityScopedResource()
        defer {
            if isScoped {
                picked.stopAccessingSecurityScopedResource()
            }
        }
        let manager = FileManager.default
        try manager.createDirectory(at: importFolder, withIntermediateDirectories: true)
        let copy = importFolder.appendingPathComponent(picked.lastPathComponent)
        let temporary = importFolder.appendingPathComponent(UUID().uuidString)
        // Moved last, so that an interrupted copy leaves no incomplete model.
        try manager.copyItem(at: picked, to: temporary)
        if manager.fileExists(atPath: copy.path) {
            _ = try manager.replaceItemAt(copy, withItemAt: temporary)
        } else {
            try manager.moveItem(at: temporary, to: copy)
        }
        return copy
    }

    private nonisolated static let importFolder = URL.documentsDirectory.appendingPathComponent("Models")
}
