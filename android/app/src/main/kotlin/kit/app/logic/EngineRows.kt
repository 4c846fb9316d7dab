package kit.app.logic

import kit.detector.engine.EngineAttempt

/** A row of the engine picker. [attempt] is what is known of the engine [name]; null if it was not tried. */
data class EngineRow(val name: String, val attempt: EngineAttempt?, val isChosen: Boolean)

/**
 * What is known of each engine for the model that is loaded.
 *
 * A detector that was loaded with one engine knows nothing of the others: what was measured or failed before is kept.
 */
class EngineRows {
    private val known = mutableMapOf<String, EngineAttempt>()

    fun clear() = known.clear()

    fun add(attempts: List<EngineAttempt>) {
        for (name in known.keys) {
            val before = known.getValue(name)
            // Only the newest detector's engine is in use.
            if (before.status == EngineAttempt.Status.IN_USE) known[name] = before.copy(status = withoutUse(before))
        }
        for (attempt in attempts) {
            val before = known[attempt.name]
            val isNews = attempt.status == EngineAttempt.Status.FAILED || attempt.milliseconds != null || before == null
            known[attempt.name] = if (isNews) attempt else attempt.copy(milliseconds = before.milliseconds, reason = kept(attempt, before))
        }
    }

    /** One row for each of [names], with [chosen] marked. */
    fun rows(names: List<String>, chosen: String?): List<EngineRow> =
        names.map { name -> EngineRow(name, known[name]?.takeIf { it.status != EngineAttempt.Status.NOT_TRIED || it.milliseconds != null }, name == chosen) }

    private fun withoutUse(attempt: EngineAttempt) =
        if (attempt.milliseconds == null) EngineAttempt.Status.NOT_TRIED else EngineAttempt.Status.SLOWER

    private fun kept(attempt: EngineAttempt, before: EngineAttempt): String =
        if (attempt.status == EngineAttempt.Status.IN_USE) "" else before.reason
}
