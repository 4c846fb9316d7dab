package kit.detector.tracking

import kit.detector.Box
import kit.detector.Detection
import kit.detector.DetectionResult
import kit.detector.ImageSize
import kit.detector.Test
import kit.detector.Timings
import kit.detector.same

fun trackingTests() = listOf(
    Test("objects keep their numbers while they move, also past each other and with another class") {
        val tracker = ObjectTracker()
        for (step in 0..20) {
            // One goes to the right and the other to the left, a little lower.
            val boxes = listOf(at(10.0 * step, 0.0, classId = step % 2), at(200.0 - 10 * step, 15.0))
            val order = if (step % 3 == 0) boxes.reversed() else boxes
            val expected = if (step == 0) listOf(1, 2) else if (step % 3 == 0) listOf(1, 2) else listOf(2, 1)
            same(tracker.update(order, step / 30.0).map { it.track }, expected, "step $step")
        }
    },
    Test("an object that is back soon keeps its number, one that is back late gets a new one") {
        val tracker = ObjectTracker(lostSeconds = 1.0)
        same(tracker.update(listOf(at(0.0, 0.0)), 0.0).single().track, 1)
        same(tracker.update(emptyList(), 0.5), emptyList())
        same(tracker.update(listOf(at(2.0, 0.0)), 0.9).single().track, 1)
        same(tracker.update(listOf(at(2.0, 0.0)), 2.0).single().track, 2)
        // Far away is another object.
        same(tracker.update(listOf(at(100.0, 0.0)), 2.1).single().track, 3)
        // The times start again.
        same(tracker.update(listOf(at(100.0, 0.0)), 0.0).single().track, 4)
    },
    Test("the intersection over union of boxes") {
        same(iou(Box(0.0, 0.0, 10.0, 10.0), Box(0.0, 5.0, 10.0, 15.0)), 1 / 3.0)
        same(iou(Box(0.0, 0.0, 10.0, 10.0), Box(20.0, 20.0, 30.0, 30.0)), 0.0)
        same(iou(Box(1.0, 1.0, 1.0, 1.0), Box(1.0, 1.0, 1.0, 1.0)), 0.0)
    },
    Test("zones count objects by where they stand, whatever the size of the image") {
        val left = Zone.rectangle("left", Zone.Point(0.5, 1.0), Zone.Point(0.0, 0.5))
        val detections = listOf(Box(0.0, 0.0, 40.0, 60.0), Box(0.0, 0.0, 40.0, 40.0), Box(60.0, 0.0, 90.0, 90.0))
            .map { Detection("a", 0, 1.0, it) }
        for ((size, count) in listOf(100 to 1, 50 to 2, 1000 to 0)) {
            same(left.count(DetectionResult(detections, 0.0, Timings(0.0, 0.0, 0.0), ImageSize(size, size))), count, "$size")
        }
        // An L, whose notch is outside.
        val corner = Zone("corner", listOf(0.0 to 0.0, 1.0 to 0.0, 1.0 to 0.5, 0.5 to 0.5, 0.5 to 1.0, 0.0 to 1.0).map { (x, y) -> Zone.Point(x, y) })
        same(listOf(0.25 to 0.75, 0.75 to 0.25, 0.75 to 0.75).map { (x, y) -> corner.contains(Zone.Point(x, y)) }, listOf(true, true, false))
        same(Zone("line", corner.points.take(2)).contains(Zone.Point(0.5, 0.0)), false)
    },
    Test("a zone that reaches to the edge of the image holds what stands there, and counts by class") {
        val size = ImageSize(100, 100)
        val bottom = Zone.rectangle("bottom", Zone.Point(0.0, 0.5), Zone.Point(1.0, 1.0))
        same(bottom.contains(Box(-20.0, 0.0, 10.0, 100.0), size), true)
        same(bottom.contains(Box(90.0, 0.0, 130.0, 140.0), size), true)
        same(bottom.contains(Box(10.0, 0.0, 20.0, 49.9), size), false)
        val labels = listOf("car", "dog", "dog", "cat", "bus")
        val detections = labels.mapIndexed { index, label -> Detection(label, 0, 1.0, Box(0.0, 0.0, 9.0, if (index < 4) 80.0 else 40.0)) }
        val counts = bottom.countByLabel(DetectionResult(detections, 0.0, Timings(0.0, 0.0, 0.0), size))
        same(counts.toList(), listOf("dog" to 2, "car" to 1, "cat" to 1))
    },
)

private fun at(x: Double, y: Double, classId: Int = 0) = Detection("a", classId, 0.5, Box(x, y, x + 40, y + 40))
