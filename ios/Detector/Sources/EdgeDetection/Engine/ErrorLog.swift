#if canImport(TensorFlowLiteC)
import Foundation
import TensorFlowLiteC

/// Collects the error messages that TensorFlow Lite reports, since its functions return only a status.
final class ErrorLog {
    private var first: String?

    #if !canImport(Darwin)
    private let reporter: UnsafeMutablePointer<MessageReporter>

    init() {
        reporter = .allocate(capacity: 1)
        reporter.initialize(
            to: MessageReporter(
                report: { owner, message in ErrorLog.add(message.map { String(cString: $0) } ?? "", to: owner) },
                owner: nil
            ))
    }

    deinit {
        reporter.deallocate()
    }
    #endif

    /// Removes and returns the first message since the last call, which is the cause. Later messages are consequences.
    func popFirst() -> String? {
        defer { first = nil }
        return first
    }

    /// Collects the messages of the interpreter that is created with `options`. Must live as long as the interpreter.
    func attach(to options: OpaquePointer) {
        let owner = Unmanaged.passUnretained(self).toOpaque()
        #if canImport(Darwin)
        TfLiteInterpreterOptionsSetErrorReporter(
            options,
            { owner, format, arguments in
                // Whether this is an optional depends on the architecture.
                let listed: CVaListPointer? = arguments
                guard let format, let listed else { return }
                ErrorLog.add(NSString(format: String(cString: format), arguments: listed) as String, to: owner)
            }, owner)
        #else
        reporter.pointee.owner = owner
        TfLiteInterpreterOptionsSetMessageReporter(options, reporter)
        #endif
    }

    private static func add(_ message: String, to owner: UnsafeMutableRawPointer?) {
        let text = message.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let owner, !text.isEmpty else { return }
        let log = Unmanaged<ErrorLog>.fromOpaque(owner).takeUnretainedValue()
        log.first = log.first ?? text
    }
}
#endif
