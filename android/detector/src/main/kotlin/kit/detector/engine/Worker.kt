package kit.detector.engine

import java.util.concurrent.ExecutionException
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.atomic.AtomicBoolean
import kit.detector.DetectorError
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.withContext

/** The thread of a detector. GPU drivers may require that a model is loaded, run and closed on one thread. */
internal class Worker {
    @Volatile
    private var thread: Thread? = null
    private val executor = Executors.newSingleThreadExecutor { task ->
        Thread(task, "detector").apply { isDaemon = true }.also { thread = it }
    }
    private val dispatcher = executor.asCoroutineDispatcher()
    private val isClosed = AtomicBoolean()
    private val isBusy = AtomicBoolean()

    /** Runs [body] on the thread. Throws what it throws, and [DetectorError.EngineFailed] once this is closed. */
    suspend fun <Result> run(body: () -> Result): Result {
        check()
        return withContext(dispatcher) { body() }
    }

    /** The same, waiting for the result. On the thread itself, [body] is run at once. */
    fun <Result> runBlocking(body: () -> Result): Result {
        check()
        if (Thread.currentThread() === thread) return body()
        try {
            return executor.submit(body).get()
        } catch (error: ExecutionException) {
            throw error.cause ?: error
        } catch (error: RejectedExecutionException) {
            throw closed()
        }
    }

    /** Runs [body] later, and returns true; returns false, and does not run it, while an offered one is not done yet. */
    fun offer(body: () -> Unit): Boolean {
        check()
        if (!isBusy.compareAndSet(false, true)) return false
        try {
            executor.execute {
                try {
                    body()
                } finally {
                    isBusy.set(false)
                }
            }
        } catch (error: RejectedExecutionException) {
            isBusy.set(false)
            throw closed()
        }
        return true
    }

    /** Runs [last] after everything that was begun, and ends the thread. Does nothing the second time. */
    fun close(last: () -> Unit = {}) {
        if (!isClosed.compareAndSet(false, true)) return
        executor.execute(last)
        executor.shutdown()
    }

    /** The result of [body]; the thread is ended where it throws. */
    inline fun <Result> orClosed(body: () -> Result): Result = try {
        body()
    } catch (error: Throwable) {
        close()
        throw error
    }

    private fun check() {
        if (isClosed.get()) throw closed()
    }

    private fun closed() = DetectorError.EngineFailed("the detector is closed")
}
