package kit.detector.engine

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kit.detector.DetectorError

/**
 * Runs a model with the fastest of several engines that works on this device, and changes to another one when it fails.
 *
 * The choices are tried in their order. The first one that loads the model and runs it processes the first frames; each
 * other one that works then processes as many, and the one with the lowest median time is kept. No frame is processed
 * twice.
 *
 * - An engine that fails is closed, and the same frame is given to the next one. If none is left, `invoke` throws, and the
 *   next frame starts again with all of them.
 * - An engine that failed is given another chance later, [RETRIES] times: a GPU may be lost for a moment only.
 * - Where the engine in use becomes much slower, as when a phone gets hot, all are measured again.
 */
public class EngineFallback internal constructor(choices: List<EngineChoice>, private val clock: () -> Long) : Engine {
    /** Loads the model with the first of [choices] that works. Throws [DetectorError.EngineFailed], with all reasons, if none does. */
    public constructor(choices: List<EngineChoice>) : this(choices, System::nanoTime)

    private val candidates = choices.map(::Candidate)

    /** The measured candidates of a comparison that is under way; null if there is none. */
    private var measured: MutableList<Candidate>? = mutableListOf()
    private var frame = 0L
    private var comparedAt = 0L
    private var current: Candidate

    /** What became of each choice so far. */
    @Volatile
    public var attempts: List<EngineAttempt> = emptyList()
        private set

    @Volatile
    override var name: String = ""
        private set

    init {
        current = next(candidates) ?: throw allFailed()
        report()
    }

    override val inputs: List<TensorPort> get() = running().inputs
    override val outputs: List<TensorPort> get() = running().outputs

    override fun invoke(input: ByteBuffer): List<Tensor> {
        frame += 1
        // Engines are changed before a frame and not after it: the outputs belong to the engine.
        choose()
        while (true) {
            val engine = running()
            val candidate = current
            val start = clock()
            try {
                val outputs = engine.invoke(input.duplicate().order(ByteOrder.nativeOrder()))
                candidate.times.add(clock() - start)
                return outputs
            } catch (error: DetectorError) {
                candidate.fail(error, frame)
                current = successor() ?: throw allFailed()
                report()
            }
        }
    }

    override fun close() {
        for (candidate in candidates) candidate.close()
    }

    private fun running(): Engine = current.engine ?: next(candidates)?.also { current = it }?.engine ?: throw allFailed()

    private fun choose() {
        val comparison = measured
        if (comparison == null) {
            if (isComparisonDue()) compareAgain()
            return
        }
        if (!current.times.isMeasured) return
        comparison += current
        current.milliseconds = current.times.median()
        current = next(candidates - comparison) ?: decide(comparison)
        report()
    }

    /** The fastest of [comparison]; the others are closed. */
    private fun decide(comparison: List<Candidate>): Candidate {
        val best = comparison.filter { it.engine != null }.minByOrNull { it.milliseconds ?: Double.MAX_VALUE } ?: current
        for (candidate in candidates) if (candidate !== best) candidate.close()
        measured = null
        comparedAt = frame
        best.times.clear()
        return best
    }

    private fun isComparisonDue(): Boolean {
        if (candidates.any { it.mayBeRetried(frame) }) return true
        val before = current.milliseconds ?: return false
        return frame - comparedAt >= REST && current.times.isFull && current.times.median() > SLOWDOWN * before
    }

    private fun compareAgain() {
        measured = mutableListOf()
        for (candidate in candidates) candidate.times.clear()
        report()
    }

    /** What runs the model after the current candidate has failed. */
    private fun successor(): Candidate? {
        val comparison = measured ?: return next(candidates.sortedBy { it.milliseconds ?: Double.MAX_VALUE })
        return next(candidates - comparison) ?: comparison.filter { it.engine != null }.takeIf { it.isNotEmpty() }?.let(::decide)
    }

    /** The first of [from] that has not failed and loads the model; null if there is none. */
    private fun next(from: List<Candidate>): Candidate? = from.firstOrNull { it.isWorking(frame) }

    private fun allFailed(): DetectorError.EngineFailed {
        val reasons = candidates.joinToString("; ") { "${it.choice.name}: ${it.reason}" }
        // The next frame starts again with all of them.
        for (candidate in candidates) candidate.failedAt = null
        measured = mutableListOf()
        return DetectorError.EngineFailed(reasons.ifEmpty { "there is no engine to choose from; offer at least the CPU" })
    }

    private fun report() {
        name = current.engine?.name.orEmpty()
        attempts = candidates.map { candidate ->
            val status = when {
                candidate === current -> EngineAttempt.Status.IN_USE
                candidate.failedAt != null -> EngineAttempt.Status.FAILED
                candidate.milliseconds != null -> EngineAttempt.Status.SLOWER
                else -> EngineAttempt.Status.NOT_TRIED
            }
            val reason = if (status == EngineAttempt.Status.FAILED) candidate.reason else ""
            EngineAttempt(candidate.choice.name, status, reason, candidate.milliseconds)
        }
    }

    internal companion object {
        /** The frames that each engine processes in a comparison. The first ones, which include waking up, are not counted. */
        const val MEASURED = 10
        const val SKIPPED = 2

        /** After how many frames an engine that failed is tried again, and how often. */
        const val RETRY_AFTER = 500L
        const val RETRIES = 2

        /** Engines are compared again where the median of the last [RECENT] frames is [SLOWDOWN] times the measured one. */
        const val RECENT = 100
        const val SLOWDOWN = 1.5

        /** The fewest frames between two comparisons. */
        const val REST = 1000L
    }
}

/** A choice with its engine, once that is loaded, and what is known of it. */
private class Candidate(val choice: EngineChoice) {
    var engine: Engine? = null
    val times = Times()
    var milliseconds: Double? = null
    var reason = ""

    /** The frame at which it failed; null while it has not. */
    var failedAt: Long? = null
    private var failures = 0

    /** Whether it runs the model, after loading it if it is not loaded. */
    fun isWorking(frame: Long): Boolean {
        if (failedAt != null && !mayBeRetried(frame)) return false
        if (engine != null) return true
        try {
            engine = warmedUp(choice.load())
            failedAt = null
            return true
        } catch (error: DetectorError) {
            fail(error, frame)
            return false
        }
    }

    fun mayBeRetried(frame: Long): Boolean {
        val since = failedAt ?: return false
        return failures <= EngineFallback.RETRIES && frame - since >= EngineFallback.RETRY_AFTER
    }

    fun fail(error: DetectorError, frame: Long) {
        reason = (error as? DetectorError.EngineFailed)?.reason ?: "${error.message}"
        failedAt = frame
        failures += 1
        milliseconds = null
        times.clear()
        close()
    }

    fun close() {
        engine?.close()
        engine = null
    }

    private fun warmedUp(engine: Engine): Engine {
        try {
            engine.warmUp()
        } catch (error: DetectorError) {
            engine.close()
            throw error
        }
        return engine
    }
}

/** The times of the last frames of an engine. */
private class Times {
    private val nanoseconds = ArrayDeque<Long>()

    val isMeasured: Boolean get() = nanoseconds.size >= EngineFallback.MEASURED
    val isFull: Boolean get() = nanoseconds.size >= EngineFallback.RECENT

    fun add(time: Long) {
        if (isFull) nanoseconds.removeFirst()
        nanoseconds += time
    }

    fun clear() = nanoseconds.clear()

    /** The median in milliseconds, without the first frames. */
    fun median(): Double {
        val counted = nanoseconds.drop(EngineFallback.SKIPPED).sorted()
        return counted[counted.size / 2] / 1e6
    }
}
