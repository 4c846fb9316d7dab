package kit.app

import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import kotlin.math.roundToInt

/** Opens the system's photo picker, which needs no permission, or goes back to the camera. */
@Composable
fun MediaButton(state: ScreenState, session: DetectionSession) {
    val launcher = rememberLauncherForActivityResult(ActivityResultContracts.PickVisualMedia()) { uri -> uri?.let(session::showMedia) }
    val request = PickVisualMediaRequest.Builder().setMediaType(ActivityResultContracts.PickVisualMedia.ImageAndVideo).build()
    if (state.photo == null) {
        TextButton({ launcher.launch(request) }) { Text(stringResource(R.string.open_gallery)) }
    } else {
        TextButton({ session.showMedia(null) }) { Text(stringResource(R.string.show_camera)) }
    }
}

/** Play and pause, and how much of the video is over. */
@Composable
fun VideoControls(video: VideoState, session: DetectionSession) {
    val label = when {
        video.isPlaying -> R.string.pause
        video.isAtEnd -> R.string.play_again
        else -> R.string.play
    }
    TextButton({ session.setPlaying(!video.isPlaying) }) { Text(stringResource(label)) }
    val progress = stringResource(R.string.video_progress, (100 * video.progress).roundToInt())
    LinearProgressIndicator({ video.progress }, Modifier.fillMaxWidth().semantics { contentDescription = progress })
    if (video.isHdr) Text(stringResource(R.string.hdr))
}
