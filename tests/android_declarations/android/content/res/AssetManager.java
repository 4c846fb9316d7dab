package android.content.res;

public final class AssetManager {
    public native AssetFileDescriptor openFd(String name) throws java.io.IOException;
    /** May be null. */
    public native String[] list(String path) throws java.io.IOException;
}
