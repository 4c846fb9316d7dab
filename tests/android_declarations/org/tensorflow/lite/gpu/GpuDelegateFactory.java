package org.tensorflow.lite.gpu;

public class GpuDelegateFactory {
    public static class Options {
        public static final int INFERENCE_PREFERENCE_SUSTAINED_SPEED = 1;
        public native Options setInferencePreference(int preference);
        public native Options setSerializationParams(String serializationDir, String modelToken);
    }
}
