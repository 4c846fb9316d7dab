import Foundation

/// Decodes box codes and class logits by the rules of version 1 of `runtime/model/raw_head.py`, as the detection
/// post-processing operator does in other files.
///
/// Only anchors that reach the threshold are dequantized, decoded and passed to non-maximum suppression: some dozens of
/// 12,804.
struct FirstVersionDecoder: OutputReader {
    private let head: RawHead
    private let columns: Int

    // The interpreter's LOGISTIC has a fixed output scale (TFLite 8-bit quantization specification).
    private static let steps: Float = 256

    init(_ head: RawHead) {
        self.head = head
        columns = head.first + head.classes
    }

    /// See `OutputReader`. `raw` are the box codes (1, A, 4) and the logits (1, A, F + C). Returns nothing if the sizes
    /// differ.
    func decode(_ raw: [Tensor], minScore: Float) -> [DecodedObject] {
        guard raw.count == 2, let logits = RawOutput(raw[1], rounded: FirstVersionDecoder.in256Steps),
            let codes = RawOutput(raw[0]), logits.count == head.anchors.count * columns,
            codes.count == 4 * head.anchors.count
        else { return [] }
        var kept: [DecodedObject] = []
        for candidate in candidates(logits, minScore: max(minScore, head.score)) {
            let sides = sides(codes, candidate.anchor)
            if kept.allSatisfy({ !sides.overlaps($0.sides, by: head.iou) }) {
                kept.append(DecodedObject(classID: candidate.classID, score: candidate.score, sides: sides))
                if kept.count == head.detections { break }
            }
        }
        return kept
    }

    private struct Candidate {
        let anchor: Int
        let classID: Int
        let score: Float
    }

    /// Anchors whose best class reaches `minScore`, by falling score, ties in anchor order.
    private func candidates(_ logits: RawOutput, minScore: Float) -> [Candidate] {
        var candidates: [Candidate] = []
        var last = -1
        logits.each(reaching: minScore) { index in
            let anchor = index / columns
            guard anchor != last, index % columns >= head.first else { return }
            last = anchor
            let best = best(logits, anchor)
            if best.score >= minScore {
                candidates.append(best)
            }
        }
        return candidates.sorted { ($1.score, $0.anchor) < ($0.score, $1.anchor) }
    }

    private func best(_ logits: RawOutput, _ anchor: Int) -> Candidate {
        let start = anchor * columns + head.first
        var (classID, score) = (0, logits.score(start))
        for other in 1..<max(head.classes, 1) where logits.score(start + other) > score {
            (classID, score) = (other, logits.score(start + other))
        }
        return Candidate(anchor: anchor, classID: classID, score: score)
    }

    /// Computed in double with centers and half sizes rounded to float, as the operator does.
    private func sides(_ codes: RawOutput, _ anchor: Int) -> Sides {
        let place = head.anchors[anchor]
        func code(_ index: Int) -> Double { Double(codes.value(4 * anchor + index)) / Double(head.scales[index]) }
        let y = Float(code(0) * Double(place[2]) + Double(place[0]))
        let x = Float(code(1) * Double(place[3]) + Double(place[1]))
        let halfHeight = Float(0.5 * exp(code(2)) * Double(place[2]))
        let halfWidth = Float(0.5 * exp(code(3)) * Double(place[3]))
        return Sides(ymin: y - halfHeight, xmin: x - halfWidth, ymax: y + halfHeight, xmax: x + halfWidth)
    }

    private static func in256Steps(_ score: Float) -> Float {
        min((steps * score).rounded(.toNearestOrEven), steps - 1) / steps
    }
}
