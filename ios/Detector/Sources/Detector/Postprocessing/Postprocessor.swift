/// From the outputs of a file to detections; a frame may settle which output is which.
enum Postprocessor: Sendable {
    case fourOutputs(FourOutputs)
    case rawHead(RawDecoder)

    mutating func callAsFunction(_ raw: [Tensor], width: Int, height: Int, minScore: Double) -> [Detection] {
        switch self {
        case .fourOutputs(var outputs):
            let found = outputs(raw, width: width, height: height, minScore: minScore)
            self = .fourOutputs(outputs)
            return found
        case .rawHead(let decoder):
            return decoder(raw, width: width, height: height, minScore: minScore)
        }
    }
}
