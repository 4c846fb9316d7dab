import Foundation
import TensorFlowLiteC

/// Why TensorFlow Lite failed: its functions return no reasons, but report them on the way.
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

    /// What was said first since the last call: the cause. Later messages say that the caller failed too.
    func take() -> String? {
        defer { first = nil }
        return first
    }

    /// Hears what an interpreter made with `options` reports; must live as long as the interpreter.
    func listen(to options: OpaquePointer) {
        let owner = Unmanaged.passUnretained(self).toOpaque()
        #if canImport(Darwin)
        TfLiteInterpreterOptionsSetErrorReporter(
            options,
            { owner, format, arguments in
                // Optional on some processors and not on others.
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
        let messages = Unmanaged<ErrorLog>.fromOpaque(owner).takeUnretainedValue()
        messages.first = messages.first ?? text
    }
}
