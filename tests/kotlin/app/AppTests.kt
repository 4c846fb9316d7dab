package kit.app.logic

import java.util.TimeZone
import kit.detector.Test
import kit.detector.engine.EngineAttempt
import kit.detector.engine.EngineAttempt.Status
import kit.detector.same
import kit.detector.tracking.Zone

/** The app's classes that need no Android. */
fun appTests() = listOf(
    Test("taps make a polygon, which is closed by a tap on its first corner") {
        val triangle = drawn(0.1 to 0.1, 0.5 to 0.1, 0.1 to 0.5)
        same(triangle.zones, emptyList())
        same(triangle.open.size, 3)
        val closed = triangle.tap(Zone.Point(0.11, 0.1), 0.02)
        same(closed.open, emptyList())
        same(closed.zones.single(), Zone("1", triangle.open))
        same(drawn(0.1 to 0.1, 0.5 to 0.1).close().zones, emptyList())
        same(triangle.undo().open.size, 2)
        // The number of a zone that was deleted is free again, and the others keep theirs.
        val two = ZoneEditor(closed.zones, triangle.open).close()
        same(two.zones.map { it.name }, listOf("1", "2"))
        same(ZoneEditor(two.remove("1").zones, triangle.open).close().zones.map { it.name }, listOf("2", "1"))
        same(drawn(-0.2 to 0.5).open, listOf(Zone.Point(0.0, 0.5)))
    },
    Test("a finger moves a corner or a whole zone, within the image") {
        val zones = ZoneEditor(listOf(Zone.rectangle("1", Zone.Point(0.25, 0.25), Zone.Point(0.5, 0.5))))
        same(zones.grip(Zone.Point(0.26, 0.25), 0.05), ZoneEditor.Grip(0, 0))
        same(zones.grip(Zone.Point(0.375, 0.375), 0.05), ZoneEditor.Grip(0, null))
        same(zones.grip(Zone.Point(0.75, 0.75), 0.05), null)
        same(zones.move(ZoneEditor.Grip(0, 0), -1.0, 0.125).zones[0].points[0], Zone.Point(0.0, 0.375))
        val moved = zones.move(ZoneEditor.Grip(0, null), 2.0, -0.125).zones[0].points
        same(moved[0] to moved[2], Zone.Point(0.75, 0.125) to Zone.Point(1.0, 0.375))
        same(zones.move(ZoneEditor.Grip(7, null), 0.1, 0.1), zones)
    },
    Test("zones are read as they were written, and damaged ones are left out") {
        val zones = listOf(Zone.rectangle("a=b", Zone.Point(0.1, 0.2), Zone.Point(0.3, 1.0)), Zone.rectangle("2", Zone.Point(0.0, 0.0), Zone.Point(1.0, 1.0)))
        same(ZoneText.read(ZoneText.write(zones)), zones)
        same(ZoneText.read("\nx=1,2,3\ny=0,0,1,0,NaN,1\nz=0,0,1,0,2,1\n=0,0,1,0,1,1\nlast=0,0,1,0,1,1").map { it.name }, listOf("last"))
    },
    Test("heat lowers the rate of frames from severe on") {
        same(listOf(0, 2, 3, 4, 5, 6, -1).map(Heat::of), listOf(Heat.NORMAL, Heat.NORMAL, Heat.SEVERE, Heat.CRITICAL, Heat.CRITICAL, Heat.CRITICAL, Heat.NORMAL))
        val times = (0 until 64).map { it / 32.0 }
        for ((heat, count) in listOf(Heat.NORMAL to 64, Heat.SEVERE to 10, Heat.CRITICAL to 2)) {
            val rate = FrameRate()
            same(times.count { rate.accepts(it, heat) }, count, "$heat")
        }
        val rate = FrameRate()
        same(listOf(9.0, 1.0).map { rate.accepts(it, Heat.CRITICAL) }, listOf(true, true))
    },
    Test("sustained speed compares the first half minute with the last") {
        val speed = SustainedSpeed()
        same(speed.now(), null)
        for (frame in 0..300) speed.add(frame / 10.0, 20.0)
        same(speed.atFirst, SustainedSpeed.Speed(10.0, 20.0))
        for (frame in 1..200) speed.add(30 + frame / 5.0, 50.0)
        same(speed.atFirst, SustainedSpeed.Speed(10.0, 20.0))
        same(speed.now(), SustainedSpeed.Speed(5.0, 50.0))
        speed.add(0.0, 1.0)
        same(speed.atFirst, null)
    },
    Test("the engine picker keeps what it knows of engines that the detector was not given") {
        val rows = EngineRows()
        rows.add(listOf(EngineAttempt("GPU", Status.FAILED, "no OpenCL"), EngineAttempt("CPU", Status.IN_USE, "", 12.0)))
        same(rows.rows(listOf("GPU", "CPU", "NPU"), "CPU").map { it.attempt?.status to it.isChosen },
            listOf(Status.FAILED to false, Status.IN_USE to true, null to false))
        rows.add(listOf(EngineAttempt("NPU", Status.IN_USE)))
        val after = rows.rows(listOf("GPU", "CPU", "NPU"), null).map { it.attempt }
        same(after, listOf(EngineAttempt("GPU", Status.FAILED, "no OpenCL"), EngineAttempt("CPU", Status.SLOWER, "", 12.0), EngineAttempt("NPU", Status.IN_USE)))
        // Loaded again and not measured yet: the time of before still says how fast it is.
        rows.add(listOf(EngineAttempt("CPU", Status.IN_USE)))
        same(rows.rows(listOf("CPU"), null).single().attempt, EngineAttempt("CPU", Status.IN_USE, "", 12.0))
        rows.clear()
        same(rows.rows(listOf("CPU"), null).single().attempt, null)
    },
    Test("lenses are those of a logical camera's zoom and those that are cameras of their own") {
        val logical = listOf(CameraFacts(0, false, 1.0, 0.5, 8.0), CameraFacts(1, true, 1.0, 1.0, 4.0))
        same(lenses(logical, false), listOf(Lens(0, 0.5, 0.5), Lens(0, 1.0, 1.0), Lens(0, 2.0, 2.0)))
        val separate = listOf(CameraFacts(0, false, 1.0, 1.0, 1.0), CameraFacts(2, false, 0.6, 1.0, 1.0), CameraFacts(3, false, 3.0, 1.0, 1.0))
        same(lenses(separate, false).map { it.camera to it.factor }, listOf(2 to 0.6, 0 to 1.0, 3 to 3.0))
        // The same lens by two ways is one lens.
        same(lenses(logical + CameraFacts(2, false, 0.52, 1.0, 1.0), false).size, 3)
        same(lenses(logical.take(1), true), emptyList())
    },
    Test("a video's frames are later and later, also when it is slow, paused or started again") {
        val timeline = VideoTimeline(1.0, 10.0)
        same(timeline.next(5.0), 0.0)
        same(timeline.wait(5.0625) in 0.037..0.038, true)
        same(timeline.next(5.01), 0.1)
        // Detection took half a second: frames between are left out.
        same(timeline.next(5.5), 0.5)
        timeline.pause()
        same(timeline.next(99.0), 0.6)
        same(timeline.next(99.25)?.let { it in 0.8499..0.8501 }, true)
        same(timeline.next(99.9), null)
        same(timeline.progress in 0.8499f..0.8501f, true)
        val last = timeline.timestamp
        timeline.rewind()
        same(timeline.next(200.0), 0.0)
        same(timeline.timestamp > last, true)
        // A file without its rate, or with an absurd one.
        for (rate in listOf(null, 0.0, Double.NaN, 1e9)) same(VideoTimeline(0.0, rate).let { it.next(0.0) to it.next(1.0) }, 0.0 to null)
    },
    Test("a shared image is named by model and time") {
        val zone = TimeZone.getTimeZone("UTC")
        same(shareName("cats & dogs.tflite", 1_000, zone), "cats___dogs-19700101-000001-000.jpg")
        same(shareName("../x", 0, zone), "___x-19700101-000000-000.jpg")
        same(shareName(null, 0, zone), "detector-19700101-000000-000.jpg")
    },
)

private fun drawn(vararg points: Pair<Double, Double>) =
    points.fold(ZoneEditor()) { editor, (x, y) -> editor.tap(Zone.Point(x, y), 0.02) }
