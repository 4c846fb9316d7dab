/// Class names in the order of their class ids, which count from 0; background is not among them.
public struct Labels: Hashable, Sendable {
    public let names: [String]

    public init(_ names: [String]) {
        self.names = names
    }

    public var count: Int { names.count }

    /// The name of `classID`; `class 7` where the list is too short to have one.
    public subscript(classID: Int) -> String {
        names.indices.contains(classID) ? names[classID] : "class \(classID)"
    }

    /// Labels from the text of a label file, one name a line.
    ///
    /// A first line for the background is left out. Where all lines are numbered upwards from 0
    /// (`0  person`), as older Coral files are, the numbers count and not the lines.
    /// - Throws: `DetectorError.badLabels` where there is no name in `text`; `source` is what it is called there.
    public init(parsing text: String, source: String = "labels") throws(DetectorError) {
        // A byte order identifier is no part of the first name.
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

    /// What label files of TF1 detectors call the row of the background class, which class ids leave out.
    private static let background: Set<String> = ["???", "background", "__background__"]

    private static func withoutBackground(_ lines: [String]) -> [String] {
        guard lines.count > 1, background.contains(lines[0].lowercased()) else { return lines }
        return Array(lines.dropFirst())
    }

    /// The names by their numbers, or nil where not every line has one or they don't rise from 0.
    private static func numbered(_ lines: [String]) -> [String]? {
        var names: [Int: String] = [:]
        var last = -1
        for line in lines where !line.isEmpty {
            let digits = line.prefix { $0.isASCII && $0.isNumber }
            let rest = line[digits.endIndex...]
            let name = rest.drop { $0.isWhitespace || $0 == ":" }
            // `1 euro`, `2 euro` are names: only lists from 0 are numbered. The last number is
            // bounded, since it makes that many labels.
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
    /// Without white space at both ends.
    fileprivate var trimmed: String {
        let start = drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
