/// The threshold of all classes, and those of single classes, which hold in its place. In 0...1.
struct ScoreThresholds: Sendable {
    let overall: Double
    private let classes: [Int: Float]

    /// `single` are the thresholds of single classes, by their names in `labels`.
    init(_ overall: Double, of single: [String: Double] = [:], _ labels: Labels = Labels([])) {
        self.overall = overall
        // A name may stand for several classes.
        let named = single.isEmpty ? [] : Array(labels.names.enumerated())
        let pairs = named.compactMap { index, name in single[name].map { (index, Float($0)) } }
        classes = Dictionary(uniqueKeysWithValues: pairs)
    }

    /// Whether a class has another threshold than the others.
    var differ: Bool { !classes.isEmpty }

    /// The lowest of all.
    var lowest: Float { classes.values.reduce(Float(overall), min) }

    /// Whether the score of `object` reaches the threshold of its class.
    func accept(_ object: DecodedObject) -> Bool {
        object.score >= classes[object.classID] ?? Float(overall)
    }
}
