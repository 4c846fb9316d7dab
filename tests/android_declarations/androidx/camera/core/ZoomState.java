package androidx.camera.core;

public interface ZoomState {
    float getMinZoomRatio();
    float getMaxZoomRatio();
}
