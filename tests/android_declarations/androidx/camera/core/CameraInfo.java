package androidx.camera.core;

public interface CameraInfo {
    int getLensFacing();
    float getIntrinsicZoomRatio();
    androidx.lifecycle.LiveData<ZoomState> getZoomState();
    CameraSelector getCameraSelector();
}
