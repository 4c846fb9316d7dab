package kit.app

import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.material3.DropdownMenu
import androidx.compose.material3.DropdownMenuItem
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.res.stringResource
import kit.app.logic.EngineRow
import kit.app.logic.Lens
import kit.detector.engine.EngineAttempt

/** The engines, each with its time or why it is not available. */
@Composable
fun EnginePicker(state: ScreenState, session: DetectionSession) {
    var isOpen by remember { mutableStateOf(false) }
    val fastest = stringResource(R.string.fastest_engine)
    fun choose(name: String?) {
        isOpen = false
        session.selectEngine(name)
    }
    Box {
        TextButton({ isOpen = true }) { Text(state.engine ?: fastest) }
        DropdownMenu(isOpen, { isOpen = false }) {
            DropdownMenuItem({ Text(fastest) }, { choose(null) })
            for (row in state.engines) {
                DropdownMenuItem({
                    Column {
                        Text(if (row.isChosen) stringResource(R.string.chosen, row.name) else row.name)
                        Text(detail(row), style = MaterialTheme.typography.bodySmall)
                    }
                }, { choose(row.name) })
            }
        }
    }
}

/** What is known of an engine, in words. */
@Composable
fun detail(row: EngineRow): String {
    val attempt = row.attempt
    val milliseconds = attempt?.milliseconds
    return when {
        attempt?.status == EngineAttempt.Status.FAILED -> stringResource(R.string.engine_failed, attempt.reason)
        milliseconds == null -> stringResource(R.string.engine_not_measured)
        attempt.status == EngineAttempt.Status.IN_USE -> stringResource(R.string.engine_in_use, milliseconds)
        else -> stringResource(R.string.engine_time, milliseconds)
    }
}

/** The lenses of the camera, where it has more than one. */
@Composable
fun LensPicker(state: ScreenState, session: DetectionSession) {
    var isOpen by remember { mutableStateOf(false) }
    val lens = state.lens
    if (lens == null || state.lenses.size < 2) return
    Box {
        TextButton({ isOpen = true }) { Text(name(lens)) }
        DropdownMenu(isOpen, { isOpen = false }) {
            for (choice in state.lenses) {
                DropdownMenuItem({ Text(name(choice)) }, {
                    isOpen = false
                    session.selectLens(choice)
                })
            }
        }
    }
}

@Composable
private fun name(lens: Lens): String = stringResource(R.string.lens, lens.factor)

@Composable
fun ModelPicker(state: ScreenState, session: DetectionSession) {
    var isOpen by remember { mutableStateOf(false) }
    // .tflite has no MIME type of its own, so any file can be picked; loading rejects what is not a detector.
    val launcher = rememberLauncherForActivityResult(ActivityResultContracts.OpenDocument()) { uri -> uri?.let(session::importModel) }
    Box {
        TextButton({ isOpen = true }) { Text(state.model?.name ?: stringResource(R.string.model)) }
        DropdownMenu(isOpen, { isOpen = false }) {
            for (choice in state.models) {
                DropdownMenuItem({ Text(choice.name) }, {
                    isOpen = false
                    session.select(choice)
                })
            }
            DropdownMenuItem({ Text(stringResource(R.string.open)) }, {
                isOpen = false
                launcher.launch(arrayOf("*/*"))
            })
        }
    }
}
