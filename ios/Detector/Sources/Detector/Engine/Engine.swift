/// What runs a model: TensorFlow Lite on the CPU or through a delegate, or another one.
///
/// An engine runs one image at a time; a `Detector` sees to that.
public protocol Engine: AnyObject {
    /// For people: as in `TensorFlow Lite 2.17.1, CPU, 2 threads`.
    var name: String { get }
    var inputs: [TensorPort] { get }
    /// A shape may be known only after a run; it is empty before.
    var outputs: [TensorPort] { get }

    /// Runs the model on the bytes of its one input; gives every output in the model's order.
    func invoke(_ input: [UInt8]) throws(DetectorError) -> [Tensor]
}
