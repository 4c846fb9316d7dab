package androidx.camera.core.resolutionselector;

public final class ResolutionSelector {
    public static final class Builder {
        public native Builder setAspectRatioStrategy(AspectRatioStrategy strategy);
        public native ResolutionSelector build();
    }
}
