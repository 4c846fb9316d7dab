import EdgeDetection
import SwiftUI
import UniformTypeIdentifiers

/// The main screen: the camera or a file with boxes, and what the app has to say.
struct ContentView: View {
    let session: DetectionSession
    @State private var isPickingModel = false
    @State private var isShowingSettings = false
    @State private var isShowingBench = false
    @Environment(\.openURL) private var openURL

    var body: some View {
        ZStack(alignment: .bottom) {
            background
            if let result = session.result {
                Overlay(result: result, zones: session.settings.zones)
                    .ignoresSafeArea()
            }
            if session.zoneDraft != nil, session.result != nil {
                ZoneEditor(session: session)
            } else {
                VStack(alignment: .leading, spacing: 8) {
                    messages
                    controls
                }
                .padding()
                .background(.regularMaterial, in: .rect(cornerRadius: 16))
                .padding()
            }
        }
        .fileImporter(
            isPresented: $isPickingModel, allowedContentTypes: [UTType(filenameExtension: "tflite") ?? .data]
        ) {
            session.importModel($0)
        }
        .sheet(isPresented: $isShowingSettings) {
            SettingsView(session: session)
        }
        .sheet(isPresented: $isShowingBench) {
            BenchView(session: session)
        }
    }

    @ViewBuilder private var background: some View {
        if session.media == nil {
            CameraPreview(camera: session.camera)
                .ignoresSafeArea()
        } else if let image = session.result?.frame.uprightImage {
            // As the camera's preview: the image fills the screen and is cut.
            Image(decorative: image, scale: 1)
                .resizable()
                .scaledToFill()
                .ignoresSafeArea()
        } else {
            Color.black
                .ignoresSafeArea()
        }
    }

    @ViewBuilder private var messages: some View {
        if session.isLoading {
            ProgressView("Loading the model…")
        } else if session.model == nil {
            Text("Import a detector: a .tflite file that the kit exported.")
        }
        if let problem = session.problem {
            Label(problem, systemImage: "exclamationmark.triangle")
                .font(.callout)
        }
        if let problem = session.cameraProblem {
            Label(problem, systemImage: "camera")
                .font(.callout)
            if session.isCameraForbidden {
                Button("Open Settings") {
                    if let url = URL(string: UIApplication.openSettingsURLString) {
                        openURL(url)
                    }
                }
            } else {
                Button("Try again", action: session.resume)
            }
        }
        if session.thermalLevel.frameInterval > 0 {
            Label("The device is hot: fewer frames are processed.", systemImage: "thermometer.high")
                .font(.callout)
        }
        if let result = session.result {
            Text(summary(result.detection))
                .font(.caption.monospacedDigit())
        }
    }

    private func summary(_ result: DetectionResult) -> String {
        let zones = session.settings.zones.map { "\($0.name): \(listed($0.counts(result)))" }
        let time = "\(inMilliseconds(result.inferenceTime)), \(session.engineName)"
        return ([time] + zones).joined(separator: "\n")
    }

    private var controls: some View {
        VStack {
            if let threshold = session.threshold {
                HStack {
                    Text(threshold, format: .percent.precision(.fractionLength(0)))
                        .monospacedDigit()
                    Slider(value: Binding(get: { threshold }, set: session.setThreshold), in: 0.01...0.99) {
                        Text("Score threshold")
                    }
                    .accessibilityValue(threshold.formatted(.percent.precision(.fractionLength(0))))
                }
            }
            HStack {
                Menu(session.model?.lastPathComponent ?? String(localized: "Model")) {
                    ForEach(session.library.models, id: \.self) { url in
                        Button(url.lastPathComponent) { session.select(url) }
                    }
                    Button("Import…", systemImage: "square.and.arrow.down") { isPickingModel = true }
                }
                Spacer()
                MediaPicker(session: session)
                if session.result != nil {
                    ShareFrame(session: session)
                }
                Menu("More", systemImage: "ellipsis.circle") {
                    Button("Settings", systemImage: "gearshape") { isShowingSettings = true }
                    Button("Speed", systemImage: "gauge") { isShowingBench = true }
                    Button("Draw a zone", systemImage: "skew") { session.beginZone(nil) }
                }
                .labelStyle(.iconOnly)
            }
        }
    }
}

/// Such as `2 car, 1 person`, in the order of the names.
func listed(_ counts: [String: Int]) -> String {
    guard !counts.isEmpty else { return String(localized: "nothing") }
    return counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
}

/// Such as `12.3 ms`.
func inMilliseconds(_ value: Double) -> String {
    "\(value.formatted(.number.precision(.fractionLength(1)))) ms"
}
