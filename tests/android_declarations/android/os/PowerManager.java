package android.os;

public final class PowerManager {
    public interface OnThermalStatusChangedListener {
        void onThermalStatusChanged(int status);
    }
    public native void addThermalStatusListener(java.util.concurrent.Executor executor, OnThermalStatusChangedListener listener);
    public native void removeThermalStatusListener(OnThermalStatusChangedListener listener);
}
