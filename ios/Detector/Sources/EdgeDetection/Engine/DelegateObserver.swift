#if canImport(TensorFlowLiteC)
import Foundation
import TensorFlowLiteC

/// Counts the operators that a delegate takes.
///
/// TensorFlow Lite's C API has no function for that. It calls the delegate's own `Prepare` with the graph's execution plan,
/// in which the delegate replaces the operators that it takes. The observer is called in its place, calls it, and compares
/// the plans before and after. `common.h` of TensorFlow Lite documents both.
final class DelegateObserver {
    private typealias Prepare = @convention(c) (
        UnsafeMutablePointer<TfLiteContext>?, UnsafeMutablePointer<TfLiteDelegate>?
    ) -> TfLiteStatus

    /// The delegates that are observed. A C function has no other way to its observer.
    private final class Registry: @unchecked Sendable {
        private struct Entry {
            let prepare: Prepare
            /// By graph: a model may have several, and one may be prepared again.
            var counts: [UnsafeMutablePointer<TfLiteContext>: Delegation] = [:]
        }

        private let lock = NSLock()
        private var entries: [UnsafeMutablePointer<TfLiteDelegate>: Entry] = [:]

        func add(_ delegate: UnsafeMutablePointer<TfLiteDelegate>, _ prepare: @escaping Prepare) {
            lock.withLock { entries[delegate] = Entry(prepare: prepare) }
        }

        func remove(_ delegate: UnsafeMutablePointer<TfLiteDelegate>) {
            lock.withLock { entries[delegate] = nil }
        }

        func prepare(_ delegate: UnsafeMutablePointer<TfLiteDelegate>) -> Prepare? {
            lock.withLock { entries[delegate]?.prepare }
        }

        func count(
            _ delegation: Delegation, _ delegate: UnsafeMutablePointer<TfLiteDelegate>,
            _ context: UnsafeMutablePointer<TfLiteContext>
        ) {
            lock.withLock { entries[delegate]?.counts[context] = delegation }
        }

        func counts(_ delegate: UnsafeMutablePointer<TfLiteDelegate>) -> [Delegation] {
            lock.withLock { entries[delegate].map { Array($0.counts.values) } ?? [] }
        }
    }

    private static let registry = Registry()

    private let delegate: UnsafeMutablePointer<TfLiteDelegate>

    /// Observes `delegate`, which must outlive the observer. Nil if it prepares graphs in another way.
    init?(_ delegate: UnsafeMutablePointer<TfLiteDelegate>) {
        guard let prepare = delegate.pointee.Prepare else { return nil }
        self.delegate = delegate
        DelegateObserver.registry.add(delegate, prepare)
        delegate.pointee.Prepare = { context, delegate in DelegateObserver.prepare(context, delegate) }
    }

    deinit {
        delegate.pointee.Prepare = DelegateObserver.registry.prepare(delegate)
        DelegateObserver.registry.remove(delegate)
    }

    /// What the delegate took of all graphs; nil before a model is loaded with it.
    var delegation: Delegation? {
        let counts = DelegateObserver.registry.counts(delegate)
        guard !counts.isEmpty else { return nil }
        return Delegation(
            operators: counts.reduce(0) { $0 + $1.operators }, delegated: counts.reduce(0) { $0 + $1.delegated },
            pieces: counts.reduce(0) { $0 + $1.pieces })
    }

    private static func prepare(
        _ context: UnsafeMutablePointer<TfLiteContext>?, _ delegate: UnsafeMutablePointer<TfLiteDelegate>?
    ) -> TfLiteStatus {
        guard let context, let delegate, let prepare = registry.prepare(delegate) else { return kTfLiteError }
        let before = plan(context)?.count
        let status = prepare(context, delegate)
        if status == kTfLiteOk, let before, let after = plan(context) {
            let pieces = after.count { isDelegate($0, context) }
            let delegated = before - (after.count - pieces)
            registry.count(Delegation(operators: before, delegated: delegated, pieces: pieces), delegate, context)
        }
        return status
    }

    /// The indices of the graph's nodes in the order of their execution.
    private static func plan(_ context: UnsafeMutablePointer<TfLiteContext>) -> [Int32]? {
        var plan: UnsafeMutablePointer<TfLiteIntArray>?
        guard let read = context.pointee.GetExecutionPlan, read(context, &plan) == kTfLiteOk, let plan else { return nil }
        // The numbers follow the size in memory; Swift does not import them.
        let bytes = UnsafeRawPointer(plan)
        let width = MemoryLayout<Int32>.size
        return (0..<max(0, Int(plan.pointee.size))).map { bytes.load(fromByteOffset: width * ($0 + 1), as: Int32.self) }
    }

    private static func isDelegate(_ node: Int32, _ context: UnsafeMutablePointer<TfLiteContext>) -> Bool {
        var content: UnsafeMutablePointer<TfLiteNode>?
        var registration: UnsafeMutablePointer<TfLiteRegistration>?
        guard let read = context.pointee.GetNodeAndRegistration, read(context, node, &content, &registration) == kTfLiteOk
        else { return false }
        return registration?.pointee.builtin_code == delegateCode
    }

    // kTfLiteBuiltinDelegate of builtin_ops.h: what stands for the operators that a delegate took.
    private static let delegateCode: Int32 = 51
}
#endif
