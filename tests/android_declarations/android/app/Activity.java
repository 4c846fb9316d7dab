package android.app;

public abstract class Activity extends android.content.Context {
    @Override public native android.content.res.AssetManager getAssets();
    @Override public native java.io.File getFilesDir();
    @Override public native android.content.ContentResolver getContentResolver();
    /** `state` may be null. */
    protected void onCreate(android.os.Bundle state) {}
}
