package androidx.camera.lifecycle;

import androidx.camera.core.CameraSelector;
import androidx.camera.core.UseCaseGroup;

public final class ProcessCameraProvider {
    public static native com.google.common.util.concurrent.ListenableFuture<ProcessCameraProvider> getInstance(
        android.content.Context context);
    public native java.util.List<androidx.camera.core.CameraInfo> getAvailableCameraInfos();
    public native void unbindAll();
    public native androidx.camera.core.Camera bindToLifecycle(
        androidx.lifecycle.LifecycleOwner owner, CameraSelector selector, UseCaseGroup group);
}
