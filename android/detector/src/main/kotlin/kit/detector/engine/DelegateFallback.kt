package kit.detector.engine

import kit.detector.DetectorError

/** An accelerator that was tried but could not run the model, and the reason why. */
data class SkippedAccelerator(val accelerator: String, val reason: String)

/** One way to run a model. [load] returns an engine, or throws a [DetectorError] if [accelerator] cannot load the model. */
class DelegateChoice(val accelerator: String, val load: () -> Engine)

/** The result of trying accelerators in order: the first [engine] that runs the model, and those skipped before it. */
class DelegateFallback private constructor(val engine: Engine, val skippedAccelerators: List<SkippedAccelerator>) {
    companion object {
        /** Selects the first of [choices] that loads the model and runs it. Throws [DetectorError.EngineFailed] if none does. */
        fun select(choices: List<DelegateChoice>): DelegateFallback {
            val skipped = mutableListOf<SkippedAccelerator>()
            for (choice in choices) {
                try {
                    return DelegateFallback(warmedUp(choice.load()), skipped)
                } catch (error: DetectorError) {
                    val reason = (error as? DetectorError.EngineFailed)?.reason ?: "${error.message}"
                    skipped += SkippedAccelerator(choice.accelerator, reason)
                }
            }
            val reasons = skipped.joinToString("; ") { "${it.accelerator}: ${it.reason}" }
            throw DetectorError.EngineFailed(reasons.ifEmpty { "no accelerator was allowed; name at least the CPU" })
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
}
