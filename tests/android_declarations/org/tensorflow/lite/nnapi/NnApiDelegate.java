package org.tensorflow.lite.nnapi;

public class NnApiDelegate implements org.tensorflow.lite.Delegate, AutoCloseable {
    public static final class Options {
        public native Options setUseNnapiCpu(boolean enable);
    }
    public NnApiDelegate(Options options) {}
    @Override public native long getNativeHandle();
    @Override public native void close();
}
