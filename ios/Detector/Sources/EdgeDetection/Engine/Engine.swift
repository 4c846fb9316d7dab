/// An inference engine with a loaded model: TensorFlow Lite on the CPU or with a delegate, or one of your own.
///
/// An engine runs one image at a time; `Detector` makes sure of that.
public protocol Engine: AnyObject {
    /// The name to show to users, such as `TensorFlow Lite 2.17.1, CPU, 2 threads`.
    var name: String { get }
    var inputs: [TensorPort] { get }
    /// The outputs in the model's order. A shape that is known only after a run is empty before.
    var outputs: [TensorPort] { get }
    /// Which part of the model an accelerator runs; nil, as by default, if none does or it is not known.
    var delegation: Delegation? { get }

    /// Runs the model on the bytes of its input tensor. Returns all outputs in the model's order.
    /// - Throws: `DetectorError.engine` if the run fails.
    func invoke(_ input: [UInt8]) throws(DetectorError) -> [Tensor]
}

extension Engine {
    public var delegation: Delegation? { nil }
}
