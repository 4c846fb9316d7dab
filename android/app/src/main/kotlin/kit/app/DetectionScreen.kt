package kit.app

import android.hardware.display.DisplayManager
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.view.PreviewView
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.material3.DropdownMenu
import androidx.compose.material3.DropdownMenuItem
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Slider
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import androidx.compose.ui.viewinterop.AndroidView
import androidx.lifecycle.compose.LocalLifecycleOwner
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import kotlin.math.roundToInt

/** The camera preview with boxes over it, messages, and the controls. */
@Composable
fun DetectionScreen(session: DetectionSession) {
    val state by session.state.collectAsStateWithLifecycle()
    var isFront by rememberSaveable { mutableStateOf(false) }
    Box(Modifier.fillMaxSize()) {
        CameraPreview(session, isFront)
        state.result?.let { Overlay(it, Modifier.fillMaxSize()) }
        Surface(
            Modifier.align(Alignment.BottomCenter).safeDrawingPadding().padding(12.dp),
            shape = MaterialTheme.shapes.large,
            color = MaterialTheme.colorScheme.surface.copy(alpha = 0.85f),
        ) {
            Column(Modifier.padding(12.dp), verticalArrangement = Arrangement.spacedBy(4.dp)) {
                Messages(state)
                Controls(state, session) { isFront = !isFront }
            }
        }
    }
}

@Composable
private fun CameraPreview(session: DetectionSession, isFront: Boolean) {
    val context = LocalContext.current
    val owner = LocalLifecycleOwner.current
    val view = remember(context) { PreviewView(context).apply { scaleType = PreviewView.ScaleType.FILL_CENTER } }
    val camera = remember(context, owner, view) { Camera(context, owner, view) }
    LaunchedEffect(camera, isFront) { camera.bind(session, isFront) }
    DisposableEffect(camera) {
        val displays = context.getSystemService(DisplayManager::class.java)
        val listener = object : DisplayManager.DisplayListener {
            override fun onDisplayAdded(displayId: Int) = Unit

            override fun onDisplayRemoved(displayId: Int) = Unit

            override fun onDisplayChanged(displayId: Int) = camera.updateRotation()
        }
        displays.registerDisplayListener(listener, null)
        onDispose { displays.unregisterDisplayListener(listener) }
    }
    AndroidView({ view }, Modifier.fillMaxSize())
}

@Composable
private fun Messages(state: ScreenState) {
    val timings = state.result?.timings
    val style = MaterialTheme.typography.bodySmall
    val problem = state.cameraProblem ?: state.problem
    when {
        problem != null -> Text(problem, color = MaterialTheme.colorScheme.error)
        state.chosen == null -> Text(stringResource(R.string.import_first))
        timings != null -> Text(
            stringResource(R.string.timings, timings.total, timings.preprocess, timings.invoke, timings.postprocess),
            style = style,
        )
    }
    if (state.engineName.isNotEmpty()) Text(state.engineName, style = style)
    for (skipped in state.skippedAccelerators) {
        Text(stringResource(R.string.skipped_accelerator, skipped.accelerator, skipped.reason), style = style)
    }
}

@Composable
private fun Controls(state: ScreenState, session: DetectionSession, onSwitchCamera: () -> Unit) {
    state.score?.let { score ->
        Text(stringResource(R.string.score_threshold, (100 * score).roundToInt()))
        Slider(score, session::setScore, valueRange = 0.01f..0.99f)
    }
    Row(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.SpaceBetween) {
        ModelPicker(state, session)
        TextButton(onSwitchCamera) { Text(stringResource(R.string.switch_camera)) }
    }
}

@Composable
private fun ModelPicker(state: ScreenState, session: DetectionSession) {
    var isOpen by remember { mutableStateOf(false) }
    // .tflite has no MIME type of its own, so any file can be picked; loading rejects what is not a detector.
    val launcher = rememberLauncherForActivityResult(ActivityResultContracts.OpenDocument()) { uri -> uri?.let(session::importModel) }
    Box {
        TextButton({ isOpen = true }) { Text(state.chosen?.name ?: stringResource(R.string.model)) }
        DropdownMenu(isOpen, { isOpen = false }) {
            for (choice in state.choices) {
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
