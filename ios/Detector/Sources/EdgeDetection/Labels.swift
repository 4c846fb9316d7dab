/// Class names in the order of their class ids, from 0, without a background class.
public struct Labels: Hashable, Sendable {
    public let names: [String]

    public init(_ names: [String]) {
        self.names = names
    }

    public var count: Int { names.count }

    /// The name of `classID`, or a placeholder such as `class 7` if the list is too short.
    public subscript(classID: Int) -> String {
        names.indices.contains(classID) ? names[classID] : "class \(classID)"
    }

    /// Parses the text of a label file with one name per line.
    ///
    /// A background class on the first line is dropped. If all lines start with rising numbers from 0
    /// (`0  person`), as in older Coral files, the numbers are the class ids.
    /// - Throws: `DetectorError.badLabels` if `text` has no names; the message names `source`.
    public init(parsing text: String, source: String = "labels") throws(DetectorError) {
        // A byte order mark is not part of the first name.
        let body = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
        var lines = body.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { $0.trimmed }
        while lines.last?.isEmpty == true {
            lines.removeLast()
        }
        guard !lines.isEmpty else {
            throw .badLabels(source: source, reason: "no labels in it; write one class name a line")
        }
        names = Labels.numbered(lines) ?? Labels.withoutBackground(lines)
    }

    /// The names that label files of TF1 detectors use for the background class, which has no class id.
    private static let background: Set<String> = ["???", "background", "__background__"]

    private static func withoutBackground(_ lines: [String]) -> [String] {
        guard lines.count > 1, background.contains(lines[0].lowercased()) else { return lines }
        return Array(lines.dropFirst())
    }

    /// The names at their numbers, or nil unless every line has a number and the numbers rise from 0.
    private static func numbered(_ lines: [String]) -> [String]? {
        var names: [Int: String] = [:]
        var last = -1
        for line in lines where !line.isEmpty {
            let digits = line.prefix { $0.isASCII && $0.isNumber }
            let rest = line[digits.endIndex...]
            let name = rest.drop { $0.isWhitespace || $0 == ":" }
            // `1 euro`, `2 euro` are plain names: only lists from 0 are numbered. The numbers are limited, since the
            // last one sets the list's length.
            guard let number = Int(digits), !name.isEmpty, name.startIndex != rest.startIndex,
                last >= 0 ? number > last : number == 0, number < 100_000
            else { return nil }
            names[number] = String(name)
            last = number
        }
        return last < 0 ? nil : (0...last).map { names[$0] ?? "class \($0)" }
    }
}

extension Substring {
    /// The text without leading and trailing white space.
    fileprivate var trimmed: String {
        let start = drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
