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
            if let result = session.result {
                Overlay(result: result)
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
            session.importModel($0)
        }
    }

    @ViewBuilder private var messages: some View {
        if let problem = session.problem {
            Label(problem, systemImage: "exclamationmark.triangle")
                .font(.callout)
        } else if session.model == nil {
            Text("Import a detector: a .tflite file that the kit exported.")
        } else if let timings = session.result?.timings {
            Text(
                """
                \(milliseconds(timings.total)) ms per frame: preprocessing \(milliseconds(timings.preprocess)), \
                model \(milliseconds(timings.invoke)), postprocessing \(milliseconds(timings.postprocess))
                """
            )
            .font(.caption.monospacedDigit())
        }
        if !session.engineName.isEmpty {
            DisclosureGroup(session.engineName) {
                ForEach(session.skippedAccelerators, id: \.accelerator) { skipped in
                    Text("\(skipped.accelerator.rawValue): \(skipped.reason)")
                        .frame(maxWidth: .infinity, alignment: .leading)
                }
            }
            .font(.caption)
        }
    }

    private var controls: some View {
        VStack {
            if let score = session.score {
                HStack {
                    Text(score, format: .percent.precision(.fractionLength(0)))
                        .monospacedDigit()
                    Slider(value: Binding(get: { score }, set: session.setScore), in: 0.01...0.99) {
                        Text("Score threshold")
                    }
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
                Button("Switch camera", systemImage: "arrow.triangle.2.circlepath.camera", action: session.switchCamera)
                    .labelStyle(.iconOnly)
            }
        }
    }

    private func milliseconds(_ value: Double) -> String {
        value.formatted(.number.precision(.fractionLength(1)))
    }
}
