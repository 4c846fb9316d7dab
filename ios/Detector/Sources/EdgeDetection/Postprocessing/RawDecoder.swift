import Foundation

/// Decodes box codes and class logits by the rules of versions 2 and 3 of `runtime/model/raw_head.py`.
///
/// Only the pairs of anchor and class that reach the threshold, some dozens of a million, are dequantized, decoded and
/// passed to non-maximum suppression.
struct RawDecoder: OutputReader {
    private let head: RawHead
    private let columns: Int
    private let halves: [SIMD2<Float>]

    // For suppression: where the sides of boxes are cut, and how far apart two classes lie.
    private static let nearest: Float = -1
    private static let farthest: Float = 2
    private static let classStep: Float = 4

    init(_ head: RawHead) {
        self.head = head
        columns = head.first + head.classes
        halves = head.anchors.map { SIMD2($0[2] / 2, $0[3] / 2) }
    }

    /// See `OutputReader`. `raw` are the box codes (1, A, 4) or (1, A, 4 * bins) and the logits (1, A, F + C). Returns
    /// nothing if the sizes differ.
    func decode(_ raw: [Tensor], minScore: Float) -> [DecodedObject] {
        guard raw.count == 2, let logits = RawOutput(raw[1]), let codes = RawOutput(raw[0]),
            logits.count == head.anchors.count * columns, codes.count == head.codeSize * head.anchors.count
        else { return [] }
        let least = max(minScore, head.score)
        var kept: [DecodedObject] = []
        var keptApart: [Sides] = []
        // Boxes are suppressed by those with higher scores only, so that leaving out low ones early changes nothing.
        for (_, index) in reaching(logits, least).prefix(head.candidates) {
            let score = logits.score(index)
            guard score >= least else { break }
            let classID = index % columns - head.first
            let anchor = index / columns
            let sides = head.bins > 0 ? sidesOfDistributions(codes, anchor) : sides(codes, anchor)
            let apart = apart(sides, classID)
            let isHidden = kept.indices.contains { place in
                kept[place].classID == classID && apart.overlaps(keptApart[place], by: head.iou)
            }
            if isHidden { continue }
            kept.append(DecodedObject(classID: classID, score: score, sides: sides))
            keptApart.append(apart)
            if kept.count == head.detections { break }
        }
        return kept
    }

    /// The logits with scores of about `minScore` or more and their indices: the highest first, equal ones by rising index.
    private func reaching(_ logits: RawOutput, _ minScore: Float) -> [(rank: Float, index: Int)] {
        var reached: [(rank: Float, index: Int)] = []
        logits.each(reaching: minScore) { index in
            if head.first == 0 || index % columns >= head.first {
                reached.append((logits.rank(index), index))
            }
        }
        return reached.sorted { ($1.rank, $0.index) < ($0.rank, $1.index) }
    }

    private func sides(_ codes: RawOutput, _ anchor: Int) -> Sides {
        let place = head.anchors[anchor]
        func code(_ index: Int) -> Float { codes.value(4 * anchor + index) / head.scales[index] }
        let y = code(0) * place[2] + place[0]
        let x = code(1) * place[3] + place[1]
        let halfHeight = exp(code(2)) * halves[anchor][0]
        let halfWidth = exp(code(3)) * halves[anchor][1]
        return Sides(ymin: y - halfHeight, xmin: x - halfWidth, ymax: y + halfHeight, xmax: x + halfWidth)
    }

    private func sidesOfDistributions(_ codes: RawOutput, _ anchor: Int) -> Sides {
        let place = head.anchors[anchor]
        func distance(_ side: Int) -> Float { self.distance(codes, 4 * anchor + side) }
        let (left, top, right, bottom) = (distance(0), distance(1), distance(2), distance(3))
        let y = (bottom - top) / 2 * place[2] + place[0]
        let x = (right - left) / 2 * place[3] + place[1]
        let halfHeight = (top + bottom) * halves[anchor][0]
        let halfWidth = (left + right) * halves[anchor][1]
        return Sides(ymin: y - halfHeight, xmin: x - halfWidth, ymax: y + halfHeight, xmax: x + halfWidth)
    }

    /// The expected bin of distribution `index`, of which there are four for each anchor.
    private func distance(_ codes: RawOutput, _ index: Int) -> Float {
        let logits = (0..<head.bins).map { codes.value(index * head.bins + $0) }
        let highest = logits.max() ?? 0
        var total: Float = 0
        var moment: Float = 0
        for (bin, logit) in logits.enumerated() {
            // In double, whose exp, once rounded, is the same everywhere.
            let weight = Float(exp(Double(logit - highest)))
            total += weight
            moment += Float(bin) * weight
        }
        return moment / total
    }

    /// `sides` for suppression: cut, and those of each class at a place of their own, which rounds them as in the file.
    private func apart(_ sides: Sides, _ classID: Int) -> Sides {
        func cut(_ side: Float) -> Float {
            side < RawDecoder.nearest ? RawDecoder.nearest : side > RawDecoder.farthest ? RawDecoder.farthest : side
        }
        let moved = Float(classID) * RawDecoder.classStep
        return Sides(
            ymin: cut(sides.ymin) + moved, xmin: cut(sides.xmin), ymax: cut(sides.ymax) + moved, xmax: cut(sides.xmax))
    }
}
