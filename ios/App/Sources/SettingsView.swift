import EdgeDetection
import SwiftUI

/// The camera, the engine, tracking and zones.
struct SettingsView: View {
    @Bindable var session: DetectionSession
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationStack {
            Form {
                Section("Camera") {
                    ForEach(Camera.lenses) { lens in
                        choice(lens.name, isChosen: lens.id == session.settings.lens) { session.useLens(lens.id) }
                    }
                }
                Section("Engine") {
                    choice(String(localized: "The fastest"), isChosen: session.settings.accelerator == nil) { session.useAccelerator(nil) }
                    ForEach(Accelerator.allCases, id: \.self) { accelerator in
                        choice(accelerator.rawValue, isChosen: session.settings.accelerator == accelerator) {
                            session.useAccelerator(accelerator)
                        }
                        if let attempt = session.attempts.first(where: { $0.accelerator == accelerator }) {
                            Text(attempt.explanation)
                                .font(.caption)
                        }
                    }
                }
                Section("Objects") {
                    Toggle("Number objects from frame to frame", isOn: $session.settings.tracksObjects)
                    NavigationLink("Thresholds of classes") { ClassThresholds(session: session) }
                }
                Section("Zones") {
                    ForEach(session.settings.zones) { zone in
                        Button("Change \(zone.name)", systemImage: "skew") {
                            session.beginZone(zone)
                            dismiss()
                        }
                        Button("Remove \(zone.name)", systemImage: "trash") {
                            session.settings.zones.removeAll { $0 == zone }
                        }
                    }
                    Button("Draw a zone", systemImage: "plus") {
                        session.beginZone(nil)
                        dismiss()
                    }
                }
            }
            .navigationTitle("Settings")
            .toolbar {
                Button("Done") { dismiss() }
            }
        }
    }

    private func choice(_ title: String, isChosen: Bool, _ choose: @escaping @MainActor () -> Void) -> some View {
        Button(title, systemImage: isChosen ? "checkmark.circle.fill" : "circle", action: choose)
            .accessibilityAddTraits(isChosen ? .isSelected : [])
    }
}

extension EngineAttempt {
    /// What came of the accelerator, in words: how fast it is, and what part of the model is the CPU's.
    var explanation: String {
        [state, milliseconds.map(inMilliseconds), part].compactMap { $0 }.joined(separator: ", ")
    }

    private var state: String {
        switch outcome {
        case .chosen: String(localized: "in use")
        case .measuring: String(localized: "being measured")
        case .slower: String(localized: "slower")
        case .failed(let reason): reason
        }
    }

    /// Nil where it runs the whole model, or that is not known.
    private var part: String? {
        guard let delegation, !delegation.isComplete else { return nil }
        let (some, all) = (String(delegation.delegated), String(delegation.operators))
        return String(localized: "\(some) of \(all) operators, the CPU runs the others")
    }
}
