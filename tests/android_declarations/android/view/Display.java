package android.view;

public final class Display {
    public native int getRotation();
}
