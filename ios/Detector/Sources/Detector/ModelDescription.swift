/// Everything that a detector's file says of itself: how pictures go in and what comes out.
///
/// It knows no engine's inside; given an engine's ports it makes inputs and reads outputs.
public struct ModelDescription: Sendable {
    public let path: String
    public let labels: Labels
    let preprocessor: Preprocessor
    let postprocessor: Postprocessor

    /// What pictures are resized to.
    public var inputSize: (width: Int, height: Int) { (preprocessor.width, preprocessor.height) }

    /// From the outputs of a file to detections; a frame may settle which output is which.
    enum Postprocessor: Sendable {
        case fourOutputs(FourOutputs)
        case rawHead(RawDecoder)

        mutating func callAsFunction(_ raw: [Tensor], width: Int, height: Int, least: Double) -> [Detection] {
            switch self {
            case .fourOutputs(var outputs):
                let found = outputs(raw, width: width, height: height, least: least)
                self = .fourOutputs(outputs)
                return found
            case .rawHead(let decoder):
                return decoder(raw, width: width, height: height, least: least)
            }
        }
    }

    init(_ file: ModelFile, engine: any Engine) throws(DetectorError) {
        guard engine.inputs.count == 1 else {
            let reason = "it has \(engine.inputs.count) inputs; a detector has one, a picture"
            throw .notADetector(path: file.model.path, reason: reason)
        }
        path = file.model.path
        labels = file.labels
        preprocessor = try Preprocessor(file.model, file.metadata, input: engine.inputs[0])
        if let head = file.rawHead {
            postprocessor = .rawHead(RawDecoder(head, labels: file.labels))
        } else {
            let shapes = engine.outputs.map(\.shape)
            postprocessor = .fourOutputs(try FourOutputs(file.model, file.metadata, shapes: shapes, labels: file.labels))
        }
    }
}

/// A detector's file before an engine has seen it: what can be refused without one is refused here.
struct ModelFile {
    let model: Model
    let metadata: Metadata?
    let rawHead: RawHead?
    let labels: Labels

    /// `labels` come before those inside the file.
    ///
    /// Throws `unreadable`, `notTFLite`, `damaged`, `notADetector`, `unsupported`, `noLabels` or `badLabels`.
    init(path: String, labels: Labels? = nil) throws(DetectorError) {
        try self.init(Model.read(path), labels: labels)
    }

    init(_ model: Model, labels: Labels? = nil) throws(DetectorError) {
        self.model = model
        metadata = try Metadata.of(model)
        rawHead = try RawHead.of(model, metadata)
        if rawHead == nil {
            try OutputOrder.checkCount(model)
        }
        try ModelFile.checkOperators(model)
        if let labels {
            self.labels = labels
        } else {
            self.labels = try ModelFile.labels(model, metadata)
        }
    }

    /// The least score that the file's metadata asks for, else 0.5.
    var defaultScore: Double {
        let said = metadata?.outputs.compactMap(\.scoreThreshold) ?? []
        return said.first { (0...1).contains($0) }.map(Double.init) ?? 0.5
    }

    /// The type of the one input, nil where there are more.
    var inputType: TensorType? {
        guard model.inputs.count == 1 else { return nil }
        return TensorType(rawValue: model.tensors[model.inputs[0]].type) ?? .other
    }

    private static func checkOperators(_ model: Model) throws(DetectorError) {
        let names = Set(model.operators.map(\.customName))
        if names.contains("edgetpu-custom-op") {
            let reason = "compiled for the Edge TPU, which only that chip can run; use the int8 file that it was compiled from"
            throw .unsupported(path: model.path, reason: reason)
        }
        let flex = names.filter { $0.hasPrefix("Flex") }.sorted()
        if !flex.isEmpty {
            let named = flex.prefix(3).joined(separator: ", ")
            let reason = "needs TensorFlow's own operators (\(named)); convert it with built-in operators only"
            throw .unsupported(path: model.path, reason: reason)
        }
    }

    private static func labels(_ model: Model, _ metadata: Metadata?) throws(DetectorError) -> Labels {
        let named = (metadata?.allFiles ?? []).filter { $0.holdsLabels && !$0.name.isEmpty }
        // A list without a locale is the plain one; the others are translations of it.
        guard let best = named.first(where: \.locale.isEmpty) ?? named.first else {
            throw .noLabels(path: model.path)
        }
        guard let content = try ZipArchive(model.bytes).content(best.name) else {
            throw model.bytes.damage("its metadata names the label file \(best.name), which is not in it")
        }
        return try Labels(parsing: String(decoding: content, as: UTF8.self), source: "\(best.name) in \(model.path)")
    }
}
