/// How a detector's model takes images and gives detections, independent of the engine.
public struct ModelDescription: Sendable {
    public let path: String
    public let labels: Labels
    let preprocessor: Preprocessor
    let postprocessor: Postprocessor

    /// Width and height in pixels that images are resized to.
    public var inputSize: (width: Int, height: Int) { (preprocessor.width, preprocessor.height) }

    init(
        _ file: ModelFile, engine: any Engine, displayRule: DisplayRule = DisplayRule()
    ) throws(DetectorError) {
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
        postprocessor = Postprocessor(reader: reader, labels: file.labels, displayRule: displayRule)
    }
}
