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
