package android.view;

public class View {
    public native Display getDisplay();
    public native boolean getKeepScreenOn();
    public native void setKeepScreenOn(boolean isOn);
}
