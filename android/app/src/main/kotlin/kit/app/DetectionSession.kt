package kit.app

import android.app.Application
import android.content.Context
import android.graphics.Bitmap
import android.graphics.Matrix
import android.net.Uri
import androidx.camera.core.ImageProxy
import androidx.lifecycle.AndroidViewModel
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicBoolean
import kit.app.logic.EngineRows
import kit.app.logic.FrameRate
import kit.app.logic.Lens
import kit.app.logic.SustainedSpeed
import kit.app.logic.ZoneEditor
import kit.app.logic.ZoneText
import kit.detector.DetectionResult
import kit.detector.Detector
import kit.detector.DetectorError
import kit.detector.DetectorOptions
import kit.detector.RunningMode
import kit.detector.android.DetectorAnalyzer
import kit.detector.android.toFrame
import kit.detector.engine.only
import kit.detector.tracking.ObjectTracker
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update

/**
 * Holds the detector and its latest result. Survives rotations of the phone, and keeps the model loaded while
 * the app is in the background, where the camera delivers no frames. The chosen model and engine are kept for the next
 * start of the app.
 *
 * Slow work runs on one thread, [worker], so that detection, loading and closing never overlap.
 */
class DetectionSession(application: Application) : AndroidViewModel(application) {
    val worker = Executors.newSingleThreadScheduledExecutor()

    private val screen = MutableStateFlow(ScreenState())
    val state: StateFlow<ScreenState> = screen.asStateFlow()

    private val library = ModelLibrary(application)
    private val provider = engines(application)
    private val settings = application.getSharedPreferences("session", Context.MODE_PRIVATE)

    private val shared = SharedImages(application)
    private val wantsShare = AtomicBoolean()
    private val thermal = ThermalMonitor(application, worker) { heat -> screen.update { it.copy(heat = heat) } }

    // Accessed on the worker only.
    private var detector: Detector? = null
    private var tracker: ObjectTracker? = null
    private var player: VideoPlayer? = null
    private var engineNames = emptyList<String>()
    private val engineRows = EngineRows()
    private val rate = FrameRate()
    private val sustained = SustainedSpeed()

    init {
        screen.update { it.copy(isLoading = true, engine = settings.getString(ENGINE, null)) }
        worker.execute {
            refresh()
            val name = settings.getString(MODEL, null)
            val models = screen.value.models
            load(models.firstOrNull { it.name == name } ?: models.firstOrNull())
        }
    }

    fun select(model: ModelChoice) {
        settings.edit().putString(MODEL, model.name).apply()
        reload(model)
    }

    /** Uses the engine called [name], or the fastest for null. */
    fun selectEngine(name: String?) {
        settings.edit().putString(ENGINE, name).apply()
        screen.update { it.copy(engine = name) }
        reload(screen.value.model)
    }

    /** Copies a model that the user has picked into the app, and loads it. */
    fun importModel(uri: Uri) {
        screen.update { it.copy(isLoading = true) }
        worker.execute {
            try {
                val model = library.importModel(uri)
                settings.edit().putString(MODEL, model.name).apply()
                refresh()
                load(model)
            } catch (error: DetectorError) {
                fail(error)
            }
        }
    }

    fun setScore(score: Float) {
        screen.update { it.copy(score = score) }
        worker.execute {
            detector?.scoreThreshold = score.toDouble()
            // A paused video keeps its boxes: the detector takes each of its frames once.
            if (player == null) detectInPhoto()
        }
    }

    /** Whether objects of the camera have numbers that they keep from frame to frame. */
    fun setTracking(isTracking: Boolean) {
        screen.update { it.copy(isTracking = isTracking) }
        worker.execute { tracker = if (isTracking) ObjectTracker() else null }
    }

    /** Shows the image or the video at [uri] with its detections instead of the camera; null shows the camera again. */
    fun showMedia(uri: Uri?) {
        screen.update { it.copy(photo = null, video = null, result = null, problem = null, isLoading = uri != null) }
        worker.execute {
            val wasVideo = player != null
            closeVideo()
            try {
                val isVideo = uri != null && library.isVideo(uri)
                // The times of a video are none of the camera's: each has a detector of its own running mode.
                val video = if (uri != null && isVideo) VideoFile(getApplication(), uri) else null
                player = video?.let { VideoPlayer(it, worker, ::showFrame, ::reportVideo, ::failVideo) }
                val photo = if (uri != null && !isVideo) library.photo(uri) else null
                screen.update { it.copy(photo = photo, isMirrored = if (uri != null) false else it.isMirrored, isLoading = false) }
                if (isVideo || wasVideo) load(screen.value.model) else if (photo != null) detectInPhoto()
                if (uri != null || wasVideo) readZones()
                player?.play()
            } catch (error: DetectorError) {
                fail(error)
                if (wasVideo) load(screen.value.model)
            }
        }
    }

    fun setPlaying(isPlaying: Boolean) = worker.execute { player?.let { if (isPlaying) it.play() else it.pause() } }

    /** Runs the detector on one frame and closes the frame. Call on [worker]. */
    fun analyze(image: ImageProxy, isMirrored: Boolean) {
        val detector = detector
        val time = image.imageInfo.timestamp / 1e9
        if (detector == null || screen.value.photo != null || player != null || !rate.accepts(time, screen.value.heat)) {
            image.close()
            return
        }
        // Copied before the frame is closed.
        val copy = if (wantsShare.getAndSet(false)) upright(image) else null
        // A frame that fails is shown, and the next one is detected again: the detector changes to another engine.
        DetectorAnalyzer(detector, ::fail) { result ->
            val tracked = show(detector, result, isMirrored)
            if (copy != null) share(copy, tracked)
        }.analyze(image)
    }

    /** Hands the image that is shown, or the camera's next frame, to another app with its boxes. */
    fun share() {
        val photo = screen.value.photo
        if (photo == null) wantsShare.set(true) else worker.execute { share(photo, screen.value.result) }
    }

    /** The other app was opened. */
    fun shareDone() = screen.update { it.copy(shared = null) }

    /** Opens the camera on the other side. */
    fun switchCamera() = screen.update { it.copy(isFront = !it.isFront, lens = null, result = null) }

    fun selectLens(lens: Lens) = screen.update { it.copy(lens = lens, result = null) }

    /** What can be chosen from, and what is in use. */
    fun reportLenses(lenses: List<Lens>, lens: Lens) {
        screen.update { it.copy(lenses = lenses, lens = lens) }
        readZones()
    }

    fun setEditing(isEditing: Boolean) = screen.update { it.copy(isEditing = isEditing, zones = it.zones.copy(open = emptyList())) }

    /** Changes the zones, which are kept for the model and the lens. */
    fun editZones(change: (ZoneEditor) -> ZoneEditor) {
        screen.update { it.copy(zones = change(it.zones)) }
        val state = screen.value
        state.model?.let { settings.edit().putString(ZoneText.key(it.name, state.camera), ZoneText.write(state.zones.zones)).apply() }
    }

    fun reportCamera(problem: String?) = screen.update { it.copy(cameraProblem = problem) }

    override fun onCleared() {
        thermal.close()
        worker.execute {
            closeVideo()
            close()
        }
        worker.shutdown()
    }

    private fun refresh() = library.choices().let { models -> screen.update { it.copy(models = models) } }

    private fun reload(model: ModelChoice?) {
        screen.update { it.copy(isLoading = true) }
        worker.execute { load(model) }
    }

    private fun load(model: ModelChoice?) {
        close()
        sustained.clear()
        if (model !== screen.value.model) engineRows.clear()
        screen.update {
            it.copy(model = model, isLoading = model != null, result = null, engineName = "", engines = emptyList(), problem = null, score = null)
        }
        if (model == null) return
        try {
            val file = library.open(model)
            val names = provider.choices(file).map { it.name }
            val engine = screen.value.engine?.takeIf { it in names }
            val options = DetectorOptions(runningMode = if (player != null) RunningMode.VIDEO else RunningMode.IMAGE)
            val loaded = Detector.loadBlocking(file, engine?.let { provider.only(it) } ?: provider, options)
            detector = loaded
            engineNames = names
            engineRows.add(loaded.engineAttempts)
            screen.update {
                it.copy(
                    isLoading = false, engines = engineRows.rows(names, engine), engine = engine, engineName = loaded.engineName,
                    score = loaded.scoreThreshold.toFloat(),
                )
            }
            readZones()
            if (player == null) detectInPhoto()
        } catch (error: DetectorError) {
            fail(error)
        }
    }

    /** Detects in the image from the gallery, if one is shown. */
    private fun detectInPhoto() {
        val photo = screen.value.photo ?: return
        try {
            val result = detector?.detectBlocking(photo.toFrame())
            screen.update { it.copy(result = result) }
        } catch (error: DetectorError) {
            fail(error)
        }
    }

    private fun showFrame(frame: Bitmap, timestamp: Double) {
        screen.update { it.copy(photo = frame) }
        val detector = detector ?: return
        show(detector, detector.detectBlocking(frame.toFrame(timestamp = timestamp)), isMirrored = false)
    }

    /** Shows the result of a frame of the camera or of a video, with the numbers of its objects, and returns that. */
    private fun show(detector: Detector, result: DetectionResult, isMirrored: Boolean): DetectionResult {
        val shown = tracker?.let { result.copy(detections = it.update(result.detections, result.timestamp)) } ?: result
        engineRows.add(detector.engineAttempts)
        sustained.add(result.timestamp, result.timings.total)
        val speed = sustained.now()
        val rows = engineRows.rows(engineNames, screen.value.engine)
        screen.update {
            it.copy(
                result = shown, isMirrored = isMirrored, problem = null, engineName = detector.engineName, engines = rows,
                speedAtFirst = sustained.atFirst, speed = speed,
            )
        }
        return shown
    }

    private fun share(image: Bitmap, result: DetectionResult?) {
        try {
            val uri = shared.store(image, result, screen.value.model?.name)
            screen.update { it.copy(shared = uri) }
        } catch (error: DetectorError) {
            screen.update { it.copy(problem = error.message) }
        }
    }

    private fun upright(image: ImageProxy): Bitmap {
        val bitmap = image.toBitmap()
        val turn = Matrix().apply { postRotate(image.imageInfo.rotationDegrees.toFloat()) }
        return Bitmap.createBitmap(bitmap, 0, 0, bitmap.width, bitmap.height, turn, true)
    }

    private fun readZones() {
        val state = screen.value
        val text = state.model?.let { settings.getString(ZoneText.key(it.name, state.camera), null) }.orEmpty()
        screen.update { it.copy(zones = ZoneEditor(ZoneText.read(text))) }
    }

    private fun reportVideo(video: VideoState) = screen.update { it.copy(video = video) }

    /** The frame that is shown stays, with what is wrong with the next one. */
    private fun failVideo(error: DetectorError) = screen.update { it.copy(isLoading = false, problem = error.message) }

    private fun closeVideo() {
        player?.close()
        player = null
    }

    private fun close() {
        detector?.close()
        detector = null
    }

    private fun fail(error: DetectorError) = screen.update { it.copy(isLoading = false, result = null, problem = error.message) }

    private companion object {
        const val MODEL = "model"
        const val ENGINE = "engine"
    }
}
