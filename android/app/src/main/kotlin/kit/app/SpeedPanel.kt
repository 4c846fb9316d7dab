package kit.app

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.res.stringResource

/** The time of each stage, what each engine takes or why it is not used, and how the speed holds. */
@Composable
fun SpeedPanel(state: ScreenState) {
    val style = MaterialTheme.typography.bodySmall
    state.result?.timings?.let {
        Text(stringResource(R.string.timings, it.total, it.preprocess, it.invoke, it.postprocess), style = style)
    }
    for (row in state.engines) Text(stringResource(R.string.engine_row, row.name, detail(row)), style = style)
    state.speedAtFirst?.let { Text(stringResource(R.string.speed_at_first, it.framesPerSecond, it.milliseconds), style = style) }
    state.speed?.let { Text(stringResource(R.string.speed_now, it.framesPerSecond, it.milliseconds), style = style) }
}
