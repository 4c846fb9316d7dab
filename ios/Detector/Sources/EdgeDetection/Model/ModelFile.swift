/// The file of a detector, checked as far as possible without an engine.
struct ModelFile {
    let model: Model
    let metadata: Metadata?
    let rawHead: RawHead?
    let labels: Labels

    /// Reads the file at `path`. `labels` override those in the file.
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

    /// The score threshold in the file's metadata, or 0.5 if there is none.
    var defaultScore: Double {
        let thresholds = metadata?.outputs.compactMap(\.scoreThreshold) ?? []
        return thresholds.first { (0...1).contains($0) }.map(Double.init) ?? 0.5
    }

    /// The type of the input, or nil if there is not exactly one.
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
        // Label files with a locale are translations of the one without.
        guard let best = named.first(where: \.locale.isEmpty) ?? named.first else {
            throw .noLabels(path: model.path)
        }
        guard let content = try ZipArchive(model.bytes).content(best.name) else {
            throw model.bytes.damaged("its metadata names the label file \(best.name), which is missing")
        }
        return try Labels(parsing: String(decoding: content, as: UTF8.self), source: "\(best.name) in \(model.path)")
    }
}
