package kit.app

import android.hardware.display.DisplayManager
import androidx.camera.view.PreviewView
import androidx.compose.foundation.Image
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.CircularProgressIndicator
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
import androidx.compose.ui.graphics.asImageBitmap
import androidx.compose.ui.layout.ContentScale
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import androidx.compose.ui.viewinterop.AndroidView
import androidx.lifecycle.compose.LocalLifecycleOwner
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import kit.app.logic.Heat
import kotlin.math.roundToInt

/** The camera preview with boxes over it, messages, and the controls. */
@Composable
fun DetectionScreen(session: DetectionSession) {
    val state by session.state.collectAsStateWithLifecycle()
    var showsSpeed by rememberSaveable { mutableStateOf(false) }
    val context = LocalContext.current
    LaunchedEffect(state.shared, session) {
        state.shared?.let {
            context.startActivity(SharedImages.intent(it))
            session.shareDone()
        }
    }
    Box(Modifier.fillMaxSize()) {
        val photo = state.photo
        if (photo == null) {
            CameraPreview(session, state)
        } else {
            // Cropped as the overlay expects, like the camera's preview.
            Image(photo.asImageBitmap(), stringResource(R.string.gallery_image), Modifier.fillMaxSize(), contentScale = ContentScale.Crop)
        }
        state.result?.let {
            Overlay(it, state.isMirrored, Modifier.fillMaxSize())
            ZoneLayer(it, state, session, Modifier.fillMaxSize())
        }
        Surface(
            Modifier.align(Alignment.BottomCenter).safeDrawingPadding().padding(12.dp),
            shape = MaterialTheme.shapes.large,
            color = MaterialTheme.colorScheme.surface.copy(alpha = 0.85f),
            // Not found by itself for a color that is not one of the theme.
            contentColor = MaterialTheme.colorScheme.onSurface,
        ) {
            // In landscape the controls are higher than the screen, and not as wide.
            Column(Modifier.widthIn(max = 480.dp).verticalScroll(rememberScrollState()).padding(12.dp), verticalArrangement = Arrangement.spacedBy(4.dp)) {
                Messages(state)
                if (showsSpeed) SpeedPanel(state)
                Zones(state, session)
                Controls(state, session, { showsSpeed = !showsSpeed })
            }
        }
    }
}

@Composable
private fun CameraPreview(session: DetectionSession, state: ScreenState) {
    val context = LocalContext.current
    val owner = LocalLifecycleOwner.current
    val view = remember(context) {
        PreviewView(context).apply {
            scaleType = PreviewView.ScaleType.FILL_CENTER
            // Nobody touches the phone while it watches.
            keepScreenOn = true
        }
    }
    val camera = remember(context, owner, view) { Camera(context, owner, view) }
    LaunchedEffect(camera, state.isFront, state.lens) { camera.bind(session, state.isFront, state.lens) }
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
    val problem = state.cameraProblem ?: state.problem
    when {
        state.isLoading -> Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
            CircularProgressIndicator(Modifier.size(20.dp))
            Text(stringResource(R.string.loading))
        }
        problem != null -> Text(problem, color = MaterialTheme.colorScheme.error)
        state.model == null -> Text(stringResource(R.string.import_first))
    }
    if (state.heat != Heat.NORMAL) Text(stringResource(R.string.hot, 1 / state.heat.secondsPerFrame), color = MaterialTheme.colorScheme.error)
    if (state.engineName.isNotEmpty()) Text(state.engineName, style = MaterialTheme.typography.bodySmall)
}

@Composable
private fun Controls(state: ScreenState, session: DetectionSession, onSpeed: () -> Unit) {
    state.score?.let { score ->
        Text(stringResource(R.string.score_threshold, (100 * score).roundToInt()))
        Slider(score, session::setScore, valueRange = 0.01f..0.99f)
    }
    Row(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.SpaceBetween) {
        ModelPicker(state, session)
        EnginePicker(state, session)
    }
    Row(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.SpaceBetween) {
        MediaButton(state, session)
        if (state.photo == null) {
            TextButton(session::switchCamera) { Text(stringResource(R.string.switch_camera)) }
            LensPicker(state, session)
        }
    }
    state.video?.let { VideoControls(it, session) }
    Row(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.SpaceBetween) {
        TextButton(onSpeed) { Text(stringResource(R.string.speed)) }
        TextButton({ session.setTracking(!state.isTracking) }) {
            Text(stringResource(if (state.isTracking) R.string.stop_tracking else R.string.start_tracking))
        }
    }
    Row(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.SpaceBetween) {
        TextButton({ session.setEditing(!state.isEditing) }) {
            Text(stringResource(if (state.isEditing) R.string.zones_done else R.string.zones_draw))
        }
        TextButton(session::share) { Text(stringResource(R.string.share)) }
    }
}
