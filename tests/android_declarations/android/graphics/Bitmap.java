package android.graphics;

public final class Bitmap {
    public enum Config { ALPHA_8, RGB_565, ARGB_4444, ARGB_8888, RGBA_F16, HARDWARE, RGBA_1010102 }
    public enum CompressFormat { JPEG, PNG, WEBP }
    public static native Bitmap createBitmap(Bitmap source, int x, int y, int width, int height, Matrix matrix, boolean filter);
    public native boolean compress(CompressFormat format, int quality, java.io.OutputStream stream);
    /** May be null. */
    public native Config getConfig();
    /** May be null. */
    public native Bitmap copy(Config config, boolean isMutable);
    public native int getRowBytes();
    public native int getWidth();
    public native int getHeight();
    public native void copyPixelsToBuffer(java.nio.Buffer buffer);
}
