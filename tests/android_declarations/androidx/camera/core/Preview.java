package androidx.camera.core;

public final class Preview extends UseCase {
    public interface SurfaceProvider {}
    public native void setSurfaceProvider(SurfaceProvider provider);
    public native SurfaceProvider getSurfaceProvider();
    public native int getTargetRotation();
    public native void setTargetRotation(int rotation);
    public static final class Builder {
        public native Builder setResolutionSelector(androidx.camera.core.resolutionselector.ResolutionSelector selector);
        public native Preview build();
    }
}
