package org.tensorflow.lite.gpu;

public class GpuDelegate implements org.tensorflow.lite.Delegate {
    public GpuDelegate(GpuDelegateFactory.Options options) {}
    @Override public native long getNativeHandle();
    @Override public native void close();
}
