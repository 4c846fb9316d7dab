package kit.detector

/** A rung of the ladder that did not hold, and why. */
data class StepDown(val accelerator: String, val reason: String)

/** One way to run a model; [load] throws a [DetectorError] where it cannot. */
class Rung(val accelerator: String, val load: () -> Engine)

/** Tries one accelerator after the other until one loads the model and runs it. */
class Ladder private constructor(val engine: Engine, val stepsDown: List<StepDown>) {
    companion object {
        /** The first of [rungs] that holds. Throws [DetectorError.EngineFailed] where none does. */
        fun climb(rungs: List<Rung>): Ladder {
            val stepsDown = mutableListOf<StepDown>()
            for (rung in rungs) {
                try {
                    return Ladder(tried(rung.load()), stepsDown)
                } catch (error: DetectorError) {
                    stepsDown += StepDown(rung.accelerator, (error as? DetectorError.EngineFailed)?.reason ?: "${error.message}")
                }
            }
            val reasons = stepsDown.joinToString("; ") { "${it.accelerator}: ${it.reason}" }
            throw DetectorError.EngineFailed(reasons.ifEmpty { "no accelerator was allowed; name at least the CPU" })
        }

        private fun tried(engine: Engine): Engine {
            try {
                engine.tryOut()
            } catch (error: DetectorError) {
                engine.close()
                throw error
            }
            return engine
        }
    }
}
