package kit.detector.engine

import kit.detector.DetectorError
import kit.detector.model.ModelFile

/**
 * One way to run a model.
 *
 * @property name the name to show to users, such as `GPU`.
 * @property load returns an engine with the model loaded; throws [DetectorError.EngineFailed] if it cannot load it.
 */
public class EngineChoice(public val name: String, public val load: () -> Engine)

/** Offers the ways to run a model on this device. */
public fun interface EngineProvider {
    /** The ways to run [file], the one that is probably fastest first and the CPU last. */
    public fun choices(file: ModelFile): List<EngineChoice>
}

/** This provider's choices with one of [names]; none, for those that it does not offer. */
public fun EngineProvider.only(vararg names: String): EngineProvider =
    EngineProvider { file -> choices(file).filter { it.name in names } }

/**
 * What became of an [EngineChoice].
 *
 * @property name the name of the choice.
 * @property status whether it runs the model.
 * @property reason why it failed, in words for users; empty if it has not failed.
 * @property milliseconds the median time for a frame; null until it was measured.
 */
public data class EngineAttempt(val name: String, val status: Status, val reason: String = "", val milliseconds: Double? = null) {
    /** Whether an engine runs the model. */
    public enum class Status {
        /** It runs the model. */
        IN_USE,

        /** It was measured, and another one is faster. */
        SLOWER,

        /** It could not load or run the model. */
        FAILED,

        /** It was not needed so far. */
        NOT_TRIED,
    }
}
