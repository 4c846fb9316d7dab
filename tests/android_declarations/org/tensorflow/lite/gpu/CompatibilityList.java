package org.tensorflow.lite.gpu;

public class CompatibilityList implements java.io.Closeable {
    public native boolean isDelegateSupportedOnThisDevice();
    public native GpuDelegateFactory.Options getBestOptionsForThisDevice();
    @Override public native void close();
}
