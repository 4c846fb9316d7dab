package kit.detector

/** Class names in the order of their class ids, from 0, without a background class. */
public data class Labels(val names: List<String>) {
    val size: Int get() = names.size

    /** The name of [classId], or a placeholder such as `class 7` if the list is too short. */
    public operator fun get(classId: Int): String = names.getOrNull(classId) ?: "class $classId"

    public companion object {
        /**
         * Parses the text of a label file with one name per line.
         *
         * A background class on the first line is dropped. If all lines start with rising numbers from 0
         * (`0  person`), as in older Coral files, the numbers are the class ids. Throws
         * [DetectorError.BadLabels] if [text] has no names; the message names [source].
         */
        public fun parse(text: String, source: String = "labels"): Labels {
            // A byte order mark is not part of the first name.
            val lines = text.removePrefix("\uFEFF").lines().map(String::trim).dropLastWhile(String::isEmpty)
            if (lines.isEmpty()) throw DetectorError.BadLabels(source, "no labels in it; write one class name a line")
            return Labels(numbered(lines) ?: withoutBackground(lines))
        }

        // The names that label files of TF1 detectors use for the background class, which has no class id.
        private val BACKGROUND = setOf("???", "background", "__background__")
        private val NUMBERED = Regex("([0-9]{1,5})[\\s:]+(\\S.*)")

        private fun withoutBackground(lines: List<String>): List<String> =
            if (lines.size > 1 && lines[0].lowercase() in BACKGROUND) lines.drop(1) else lines

        /**
         * The names at their numbers, or null unless every line has a number and the numbers rise from 0:
         * `1 euro`, `2 euro` are plain names. At most five digits, since the last number sets the list's length.
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
