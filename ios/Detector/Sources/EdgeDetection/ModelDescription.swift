/// How a detector's model takes images and gives detections, independent of the engine.
public struct ModelDescription: Sendable {
    public let path: String
    public let labels: Labels
    let preprocessor: Preprocessor
    let postprocessor: Postprocessor

    /// Width and height in pixels that images are resized to.
    public var inputSize: (width: Int, height: Int) { (preprocessor.width, preprocessor.height) }

    /// The bytes of the input tensor for `frame`.
    package func input(for frame: Frame) -> [UInt8] { preprocessor(frame) }

    /// The detections in an upright image of `size`, from the outputs of an engine.
    package func detections(in raw: [Tensor], size: ImageSize, scoreThreshold: Double) -> [Detection] {
        var postprocess = postprocessor
        return postprocess(raw, width: size.width, height: size.height, ScoreThresholds(scoreThreshold))
    }

    init(
        _ file: ModelFile, engine: any Engine, options: DetectorOptions = DetectorOptions()
    ) throws(DetectorError) {
        try options.check(file.labels)
        guard engine.inputs.count == 1 else {
            let reason = "it has \(engine.inputs.count) inputs; a detector has one, an image"
            throw .notADetector(path: file.model.path, reason: reason)
        }
        path = file.model.path
        labels = file.labels
        preprocessor = try Preprocessor(file.model, file.metadata, input: engine.inputs[0])
        let reader: any OutputReader
        if let head = file.rawHead {
            reader = head.decoder
        } else {
            reader = try FourOutputs(file.model, file.metadata, shapes: engine.outputs.map(\.shape))
        }
        postprocessor = Postprocessor(
            reader: reader, labels: file.labels,
            displayRule: DisplayRule(allLabels: options.allLabels, agnosticIou: options.agnosticIou),
            classIDs: options.classIDs(file.labels), maxResults: options.maxResults)
    }
}
