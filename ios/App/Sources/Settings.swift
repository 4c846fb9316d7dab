import EdgeDetection
import Foundation

/// What the user has chosen. Kept when the app is closed.
struct Settings: Codable, Equatable {
    /// The file name of the model.
    var model: String?
    /// The accelerator that the user wants; nil for the fastest.
    var accelerator: Accelerator?
    /// The thresholds that the user has set, by the file name of the model. Others are those of the files.
    var thresholds: [String: Double] = [:]
    /// The thresholds of single classes that the user has set, by the file name of the model and the class. Optional, so
    /// that settings that an earlier version kept are read.
    var classThresholds: [String: [String: Double]]?
    var lens: String?
    var tracksObjects = false
    var zones: [Zone] = []

    private static let key = "settings"

    /// The kept settings, or those of a new app.
    static func load() -> Settings {
        guard let data = UserDefaults.standard.data(forKey: key) else { return Settings() }
        return (try? JSONDecoder().decode(Settings.self, from: data)) ?? Settings()
    }

    func save() {
        if let data = try? JSONEncoder().encode(self) {
            UserDefaults.standard.set(data, forKey: Settings.key)
        }
    }
}
