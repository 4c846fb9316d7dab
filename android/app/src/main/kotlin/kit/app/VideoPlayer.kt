package kit.app

import android.graphics.Bitmap
import java.util.concurrent.ScheduledExecutorService
import java.util.concurrent.TimeUnit
import kit.app.logic.VideoTimeline
import kit.detector.DetectorError

/**
 * Plays [video] on [worker], frame by frame; call its functions there. [show] gets each frame and its time in seconds, later
 * than that of the one before, and [report] what has changed. [fail] gets the error that ends playing.
 */
class VideoPlayer(
    private val video: VideoFile,
    private val worker: ScheduledExecutorService,
    private val show: (Bitmap, Double) -> Unit,
    private val report: (VideoState) -> Unit,
    private val fail: (DetectorError) -> Unit,
) : AutoCloseable {
    private val timeline = VideoTimeline(video.duration, video.framesPerSecond)
    private var isPlaying = false
    private var isAtEnd = false

    /** Whether a call of [step] is waiting. */
    private var isScheduled = false

    fun play() {
        if (isAtEnd) timeline.rewind()
        isAtEnd = false
        isPlaying = true
        if (!isScheduled) step()
    }

    fun pause() {
        isPlaying = false
        timeline.pause()
        tell()
    }

    override fun close() {
        isPlaying = false
        video.close()
    }

    private fun step() {
        isScheduled = false
        if (!isPlaying) return
        try {
            val position = timeline.next(seconds())
            if (position == null) {
                isAtEnd = true
                pause()
                return
            }
            show(video.frame(position), timeline.timestamp)
        } catch (error: DetectorError) {
            pause()
            fail(error)
            return
        }
        tell()
        isScheduled = true
        worker.schedule(::step, (1000 * timeline.wait(seconds())).toLong(), TimeUnit.MILLISECONDS)
    }

    private fun tell() = report(VideoState(isPlaying, timeline.progress, isAtEnd, video.isHdr))

    private fun seconds(): Double = System.nanoTime() / 1e9
}
