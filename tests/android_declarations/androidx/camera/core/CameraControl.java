package androidx.camera.core;

public interface CameraControl {
    com.google.common.util.concurrent.ListenableFuture<Void> setZoomRatio(float ratio);
}
