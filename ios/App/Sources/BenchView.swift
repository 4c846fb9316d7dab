import EdgeDetection
import SwiftUI

/// How fast each engine runs the model on this device, and how fast the whole is when the device is warm.
struct BenchView: View {
    let session: DetectionSession
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationStack {
            List {
                Section("The model on each engine") {
                    ForEach(session.attempts, id: \.accelerator) { attempt in
                        row(attempt.accelerator.rawValue, attempt.explanation)
                    }
                }
                Section("Each frame") {
                    row(String(localized: "Frames per second"), number(session.speed.framesPerSecond))
                    row(String(localized: "First \(String(SpeedMeter.window)) frames"), time(session.speed.firstMilliseconds))
                    row(String(localized: "Latest \(String(SpeedMeter.window)) frames"), time(session.speed.latestMilliseconds))
                    row(String(localized: "Device"), thermalState)
                }
                if let timings = session.result?.detection.timings {
                    Section("Latest frame") {
                        row(String(localized: "Preprocessing"), inMilliseconds(timings.preprocess))
                        row(String(localized: "Model"), inMilliseconds(timings.invoke))
                        row(String(localized: "Postprocessing"), inMilliseconds(timings.postprocess))
                    }
                }
            }
            .navigationTitle("Speed")
            .toolbar {
                Button("Done") { dismiss() }
            }
        }
    }

    private var thermalState: String {
        switch ThermalLevel(rawValue: ProcessInfo.processInfo.thermalState.rawValue) {
        case .serious: String(localized: "hot: fewer frames are processed")
        case .critical: String(localized: "very hot: few frames are processed")
        case .fair: String(localized: "warm")
        case .nominal, nil: String(localized: "cool")
        }
    }

    private func row(_ title: String, _ value: String) -> some View {
        LabeledContent(title, value: value)
            .monospacedDigit()
    }

    private func number(_ value: Double?) -> String {
        value?.formatted(.number.precision(.fractionLength(1))) ?? String(localized: "not yet known")
    }

    private func time(_ value: Double?) -> String {
        value.map(inMilliseconds) ?? String(localized: "not yet known")
    }
}
