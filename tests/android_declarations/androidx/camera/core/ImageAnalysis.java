package androidx.camera.core;

public final class ImageAnalysis extends UseCase {
    public static final int STRATEGY_KEEP_ONLY_LATEST = 0;
    public static final int OUTPUT_IMAGE_FORMAT_YUV_420_888 = 1;
    public interface Analyzer {
        void analyze(ImageProxy image);
    }
    public native void setAnalyzer(java.util.concurrent.Executor executor, Analyzer analyzer);
    public native void clearAnalyzer();
    public native int getTargetRotation();
    public native void setTargetRotation(int rotation);
    public static final class Builder {
        public native Builder setResolutionSelector(androidx.camera.core.resolutionselector.ResolutionSelector selector);
        public native Builder setBackpressureStrategy(int strategy);
        public native Builder setOutputImageFormat(int format);
        public native ImageAnalysis build();
    }
}
