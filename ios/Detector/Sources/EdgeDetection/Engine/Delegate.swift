#if canImport(TensorFlowLiteC)
import TensorFlowLiteC

#if canImport(TensorFlowLiteCCoreML)
import TensorFlowLiteCCoreML
#endif
#if canImport(TensorFlowLiteCMetal)
import TensorFlowLiteCMetal
#endif

/// A TensorFlow Lite delegate, which runs operators on another processor than the CPU. Freed with the object.
final class Delegate {
    let name: String
    let pointer: UnsafeMutablePointer<TfLiteDelegate>
    private let free: (UnsafeMutablePointer<TfLiteDelegate>) -> Void
    private var observer: DelegateObserver?

    init(
        _ name: String, _ pointer: UnsafeMutablePointer<TfLiteDelegate>,
        free: @escaping (UnsafeMutablePointer<TfLiteDelegate>) -> Void
    ) {
        self.name = name
        self.pointer = pointer
        self.free = free
        observer = DelegateObserver(pointer)
    }

    /// Which part of the model it runs; nil before a model is loaded with it, or if that cannot be told.
    var delegation: Delegation? { observer?.delegation }

    deinit {
        observer = nil
        free(pointer)
    }

    /// Core ML on the Neural Engine. Throws `engine` if it is not available.
    static func coreML() throws(DetectorError) -> Delegate {
        #if canImport(TensorFlowLiteCCoreML)
        var options = TfLiteCoreMlDelegateOptions()
        options.enabled_devices = TfLiteCoreMlDelegateDevicesWithNeuralEngine
        options.coreml_version = 3
        options.min_nodes_per_partition = 2
        guard let pointer = TfLiteCoreMlDelegateCreate(&options) else {
            throw .engine(reason: "this device has no Neural Engine")
        }
        return Delegate("Core ML", pointer, free: { TfLiteCoreMlDelegateDelete($0) })
        #else
        throw .engine(reason: "this build has no Core ML delegate")
        #endif
    }

    /// The GPU with Metal. Throws `engine` if it is not available.
    static func metal() throws(DetectorError) -> Delegate {
        #if canImport(TensorFlowLiteCMetal)
        var options = TFLGpuDelegateOptions()
        options.allow_precision_loss = true
        options.wait_type = TFLGpuDelegateWaitTypePassive
        options.enable_quantization = true
        guard let pointer = TFLGpuDelegateCreate(&options) else {
            throw .engine(reason: "this device's GPU cannot be used")
        }
        return Delegate("Metal", pointer, free: { TFLGpuDelegateDelete($0) })
        #else
        throw .engine(reason: "this build has no Metal delegate")
        #endif
    }
}
#endif
