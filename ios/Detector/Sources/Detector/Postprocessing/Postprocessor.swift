/// Converts the output tensors of a model to detections. It mutates when a frame determines the order of the outputs.
enum Postprocessor: Sendable {
    case fourOutputs(FourOutputs)
    case rawHead(RawDecoder)

    /// The detections in an upright image of `width` x `height` pixels, with scores from `minScore` on and the highest score
    /// first.
    mutating func callAsFunction(_ raw: [Tensor], width: Int, height: Int, minScore: Double) -> [Detection] {
        switch self {
        case .fourOutputs(var outputs):
            let detections = outputs(raw, width: width, height: height, minScore: minScore)
            self = .fourOutputs(outputs)
            return detections
        case .rawHead(let decoder):
            return decoder(raw, width: width, height: height, minScore: minScore)
        }
    }
}
