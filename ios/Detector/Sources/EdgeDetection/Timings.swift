/// The time of each stage for one frame, in milliseconds.
public struct Timings: Hashable, Sendable {
    public let preprocess: Double
    public let invoke: Double
    public let postprocess: Double

    public init(preprocess: Double, invoke: Double, postprocess: Double) {
        self.preprocess = preprocess
        self.invoke = invoke
        self.postprocess = postprocess
    }

    public var total: Double { preprocess + invoke + postprocess }
}
