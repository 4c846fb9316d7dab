package androidx.camera.view;

public final class PreviewView extends android.view.View {
    public enum ScaleType { FILL_START, FILL_CENTER, FILL_END, FIT_START, FIT_CENTER, FIT_END }
    public PreviewView(android.content.Context context) {}
    public native void setScaleType(ScaleType type);
    public native ScaleType getScaleType();
    public native androidx.camera.core.Preview.SurfaceProvider getSurfaceProvider();
}
