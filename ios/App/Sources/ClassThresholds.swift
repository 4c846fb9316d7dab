import EdgeDetection
import SwiftUI

/// The thresholds of single classes, which hold in place of the threshold of all.
struct ClassThresholds: View {
    let session: DetectionSession

    var body: some View {
        List {
            ForEach(session.labels, id: \.self) { label in
                row(label)
            }
        }
        .navigationTitle("Thresholds of classes")
    }

    private func row(_ label: String) -> some View {
        let own = session.classThresholds[label]
        let value = own ?? session.threshold ?? 0.5
        let text = value.formatted(.percent.precision(.fractionLength(0)))
        return VStack(alignment: .leading) {
            HStack {
                Text(label)
                Spacer()
                Text(own == nil ? String(localized: "as all: \(text)") : text)
                    .monospacedDigit()
                if own != nil {
                    Button("Use that of all", systemImage: "arrow.uturn.backward") {
                        session.setThreshold(nil, for: label)
                    }
                    .labelStyle(.iconOnly)
                }
            }
            Slider(value: Binding(get: { value }, set: { session.setThreshold($0, for: label) }), in: 0.01...0.99) {
                Text(String(localized: "Score threshold of \(label)"))
            }
            .accessibilityValue(text)
        }
    }
}
