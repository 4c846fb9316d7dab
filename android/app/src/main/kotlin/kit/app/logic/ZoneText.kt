package kit.app.logic

import kit.detector.tracking.Zone

/** Zones as text, one a line, in the form that `edk run --zone` takes: `NAME=X,Y,X,Y,X,Y`. */
object ZoneText {
    fun write(zones: List<Zone>): String = zones.joinToString("\n") { zone ->
        "${zone.name}=" + zone.points.joinToString(",") { "${it.x},${it.y}" }
    }

    /** The zones of [text]; lines that are none are left out, so that a damaged setting does not stop the app. */
    fun read(text: String): List<Zone> = text.lines().mapNotNull(::zone)

    /** The name under which the zones of a model, as seen through one lens of a camera, are kept. */
    fun key(model: String, camera: String): String = "zones $camera $model"

    private fun zone(line: String): Zone? {
        val name = line.substringBeforeLast("=", "")
        val numbers = line.substringAfterLast("=").split(",").map { it.toDoubleOrNull() }
        if (name.isEmpty() || numbers.size < 2 * ZoneEditor.FEWEST || numbers.size % 2 != 0) return null
        // Written so that NaN is refused.
        if (!numbers.all { it != null && it in 0.0..1.0 }) return null
        return Zone(name, numbers.filterNotNull().chunked(2) { (x, y) -> Zone.Point(x, y) })
    }
}
