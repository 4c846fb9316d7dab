import Foundation

// What Foundation has on Apple's platforms only. Compiled together with the app.

extension URL {
    static var documentsDirectory: URL { URL(fileURLWithPath: "/") }
    func startAccessingSecurityScopedResource() -> Bool { true }
    func stopAccessingSecurityScopedResource() {}
}

extension ProcessInfo {
    enum ThermalState: Int {
        case nominal, fair, serious, critical
    }
    var thermalState: ThermalState { .nominal }
}

extension String {
    struct LocalizationValue: ExpressibleByStringInterpolation {
        init(stringLiteral value: String) {}
    }
    init(localized key: LocalizationValue) { self.init() }
}
