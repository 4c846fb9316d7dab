package kit.detector

/** Class names in the order of their class ids, which count from 0; background is not among them. */
data class Labels(val names: List<String>) {
    val size: Int get() = names.size

    /** The name of [classId]; `class 7` where the list is too short to have one. */
    operator fun get(classId: Int): String = names.getOrNull(classId) ?: "class $classId"

    companion object {
        /**
         * Labels from the text of a label file, one name a line.
         *
         * A first line for the background is left out. Where all lines are numbered upwards from 0
         * (`0  person`), as older Coral files are, the numbers count and not the lines. Throws
         * [DetectorError.BadLabels] where there is no name in [text]; [source] is what it is called there.
         */
        fun parse(text: String, source: String = "labels"): Labels {
            // A byte order mark is no part of the first name.
            val lines = text.removePrefix("\uFEFF").lines().map(String::trim).dropLastWhile(String::isEmpty)
            if (lines.isEmpty()) throw DetectorError.BadLabels(source, "no labels in it; write one class name a line")
            return Labels(numbered(lines) ?: withoutBackground(lines))
        }

        // What label files of TF1 detectors call the row of the background class, which class ids leave out.
        private val BACKGROUND = setOf("???", "background", "__background__")
        private val NUMBERED = Regex("([0-9]{1,5})[\\s:]+(\\S.*)")

        private fun withoutBackground(lines: List<String>): List<String> =
            if (lines.size > 1 && lines[0].lowercase() in BACKGROUND) lines.drop(1) else lines

        /**
         * The names by their numbers, or null where not every line has one or they don't rise from 0:
         * `1 euro`, `2 euro` are names. Five digits at most, since the last number makes that many labels.
         */
        private fun numbered(lines: List<String>): List<String>? {
            val pairs = lines.filter(String::isNotEmpty).map { line ->
                val match = NUMBERED.matchEntire(line) ?: return null
                match.groupValues[1].toInt() to match.groupValues[2]
            }
            val numbers = pairs.map { it.first }
            if (numbers[0] != 0 || numbers.zipWithNext().any { (one, next) -> next <= one }) return null
            val names = pairs.toMap()
            return (0..numbers.last()).map { names[it] ?: "class $it" }
        }
    }
}
