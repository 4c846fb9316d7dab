/// Gives objects numbers that they keep from frame to frame.
///
/// A box continues the object whose predicted box it overlaps most; objects are predicted to move on as they did. An
/// object keeps its number when its class changes, since detectors alternate between similar classes.
public struct ObjectTracker: Sendable {
    private struct Track {
        let number: Int
        var box: Box
        /// Pixels a second.
        var velocity = SIMD2<Double>.zero
        var seen: Double

        func predicted(_ time: Double) -> Box {
            let step = velocity * (time - seen)
            return Box(xmin: box.xmin + step.x, ymin: box.ymin + step.y, xmax: box.xmax + step.x, ymax: box.ymax + step.y)
        }

        mutating func move(to next: Box, at time: Double) {
            let seconds = time - seen
            if seconds > 0 {
                let step = SIMD2(next.xmin + next.xmax - box.xmin - box.xmax, next.ymin + next.ymax - box.ymin - box.ymax) / 2
                // Half of the old speed, since single boxes jitter.
                velocity = (velocity + step / seconds) / 2
            }
            box = next
            seen = time
        }
    }

    private let lostSeconds: Double
    private let minIou: Double
    private var tracks: [Track] = []
    private var lastNumber = 0
    private var lastTime = -Double.infinity

    /// - Parameters:
    ///   - lostSeconds: How long an object may be out of sight and keep its number.
    ///   - minIou: The least intersection over union, in 0...1, of a box and an object's predicted box.
    public init(lostSeconds: Double = 1, minIou: Double = 0.25) {
        self.lostSeconds = lostSeconds
        self.minIou = minIou
    }

    /// Returns the detections of a frame at `time`, in seconds, with their `track` set. Numbers start at 1 and are not used
    /// again. Where times start again, so do the objects.
    public mutating func update(_ detections: [Detection], time: Double) -> [Detection] {
        if time < lastTime {
            tracks = []
        }
        lastTime = time
        tracks.removeAll { time - $0.seen > lostSeconds }
        var numbers = match(detections, time)
        for index in detections.indices where numbers[index] == nil {
            lastNumber += 1
            numbers[index] = lastNumber
            tracks.append(Track(number: lastNumber, box: detections[index].box, seen: time))
        }
        return zip(detections, numbers).map { one, number in
            Detection(label: one.label, classID: one.classID, score: one.score, box: one.box, track: number)
        }
    }

    /// The track number of each detection that continues one, which is moved there. Pairs with the greatest overlap come
    /// first.
    private mutating func match(_ detections: [Detection], _ time: Double) -> [Int?] {
        let predicted = tracks.map { $0.predicted(time) }
        var pairs: [(iou: Double, detection: Int, track: Int)] = []
        for (detection, one) in detections.enumerated() {
            for (track, box) in predicted.enumerated() {
                let iou = one.box.iou(box)
                if iou >= minIou {
                    pairs.append((iou, detection, track))
                }
            }
        }
        var numbers = [Int?](repeating: nil, count: detections.count)
        var taken: Set<Int> = []
        for pair in pairs.sorted(by: { ($1.iou, $0.detection, $0.track) < ($0.iou, $1.detection, $1.track) })
        where numbers[pair.detection] == nil && !taken.contains(pair.track) {
            taken.insert(pair.track)
            numbers[pair.detection] = tracks[pair.track].number
            tracks[pair.track].move(to: detections[pair.detection].box, at: time)
        }
        return numbers
    }
}

extension Box {
    /// The intersection over union with `other`, in 0...1; 0 if both are empty.
    public func iou(_ other: Box) -> Double {
        let both = Box(
            xmin: max(xmin, other.xmin), ymin: max(ymin, other.ymin), xmax: min(xmax, other.xmax),
            ymax: min(ymax, other.ymax)
        ).area
        let union = area + other.area - both
        return union > 0 ? both / union : 0
    }
}
