/// Chooses which of the objects that a model found are given.
///
/// A model may find one place as several classes, each with the very same box. Only the class with the highest score is
/// given, unless `allLabels`. With `agnosticIou`, of two boxes whose intersection over union is above it, whatever their
/// classes, only the one with the higher score is given.
struct DisplayRule: Sendable {
    private let allLabels: Bool
    private let agnosticIou: Float?

    init(allLabels: Bool = false, agnosticIou: Double? = nil) {
        self.allLabels = allLabels
        self.agnosticIou = agnosticIou.map { Float($0) }
    }

    /// Those of `objects` that are given: the highest score first, ties in the order of `objects`.
    func callAsFunction(_ objects: [DecodedObject]) -> [DecodedObject] {
        let places = objects.indices.filter { objects[$0].sides.isFinite }
        // With the place, since Swift does not promise that equal elements stay in their order.
        var given = places.sorted { (objects[$1].score, $0) < (objects[$0].score, $1) }.map { objects[$0] }
        if !allLabels {
            given = firsts(given) { $0 == $1 }
        }
        if let agnosticIou {
            given = firsts(given) { $0.overlaps($1, by: agnosticIou) }
        }
        return given
    }

    /// Those of `given` for which `hides` holds with none that was kept before.
    private func firsts(_ given: [DecodedObject], _ hides: (Sides, Sides) -> Bool) -> [DecodedObject] {
        var kept: [DecodedObject] = []
        for one in given where !kept.contains(where: { hides(one.sides, $0.sides) }) {
            kept.append(one)
        }
        return kept
    }
}
