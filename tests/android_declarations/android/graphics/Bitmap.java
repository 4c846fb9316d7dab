package android.graphics;

public final class Bitmap {
    public enum Config { ALPHA_8, RGB_565, ARGB_4444, ARGB_8888, RGBA_F16, HARDWARE, RGBA_1010102 }
    /** May be null. */
    public native Config getConfig();
    /** May be null. */
    public native Bitmap copy(Config config, boolean isMutable);
    public native int getRowBytes();
    public native int getWidth();
    public native int getHeight();
    public native void copyPixelsToBuffer(java.nio.Buffer buffer);
}
