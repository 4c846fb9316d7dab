package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.util.Map;

public interface InterpreterApi extends AutoCloseable {
    class Options {
        public enum TfLiteRuntime { FROM_APPLICATION_ONLY, FROM_SYSTEM_ONLY, PREFER_SYSTEM_OVER_APPLICATION }
        public native Options setNumThreads(int threads);
        public native Options addDelegate(Delegate delegate);
        public native Options setRuntime(TfLiteRuntime runtime);
    }
    static InterpreterApi create(ByteBuffer model, Options options) { throw new UnsupportedOperationException(); }
    void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs);
    int getInputTensorCount();
    Tensor getInputTensor(int index);
    int getOutputTensorCount();
    Tensor getOutputTensor(int index);
    @Override void close();
}
