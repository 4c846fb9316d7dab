import Detector
import SwiftUI
import UniformTypeIdentifiers

struct ContentView: View {
    let session: DetectionSession
    @State private var isPicking = false

    var body: some View {
        ZStack(alignment: .bottom) {
            CameraPreview(camera: session.camera)
                .ignoresSafeArea()
            if let found = session.found {
                Overlay(found: found)
                    .ignoresSafeArea()
            }
            VStack(alignment: .leading, spacing: 8) {
                messages
                controls
            }
            .padding()
            .background(.regularMaterial, in: .rect(cornerRadius: 16))
            .padding()
        }
        .fileImporter(isPresented: $isPicking, allowedContentTypes: [UTType(filenameExtension: "tflite") ?? .data]) {
            session.take($0)
        }
    }

    @ViewBuilder private var messages: some View {
        if let problem = session.problem {
            Label(problem, systemImage: "exclamationmark.triangle")
                .font(.callout)
        } else if session.model == nil {
            Text("Import a detector: a .tflite file, as the kit writes it.")
        } else if let timings = session.found?.timings {
            Text(
                """
                \(milliseconds(timings.total)) ms a frame: \(milliseconds(timings.preprocess)) before, \
                \(milliseconds(timings.invoke)) model, \(milliseconds(timings.postprocess)) after
                """
            )
            .font(.caption.monospacedDigit())
        }
        if !session.engineName.isEmpty {
            DisclosureGroup(session.engineName) {
                ForEach(session.stepsDown, id: \.accelerator) { step in
                    Text("\(step.accelerator.rawValue): \(step.reason)")
                        .frame(maxWidth: .infinity, alignment: .leading)
                }
            }
            .font(.caption)
        }
    }

    private var controls: some View {
        VStack {
            HStack {
                Text(session.score, format: .percent.precision(.fractionLength(0)))
                    .monospacedDigit()
                Slider(value: Binding(get: { session.score }, set: session.setScore), in: 0.05...0.95) {
                    Text("Least score")
                }
            }
            HStack {
                Menu(session.model?.lastPathComponent ?? "Model") {
                    ForEach(session.library.models, id: \.self) { url in
                        Button(url.lastPathComponent) { session.select(url) }
                    }
                    Button("Import…", systemImage: "square.and.arrow.down") { isPicking = true }
                }
                Spacer()
                Button("Turn camera", systemImage: "arrow.triangle.2.circlepath.camera", action: session.turnCamera)
                    .labelStyle(.iconOnly)
            }
        }
    }

    private func milliseconds(_ value: Double) -> String {
        value.formatted(.number.precision(.fractionLength(1)))
    }
}
