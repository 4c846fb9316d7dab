package android.app;

public class Activity extends android.content.Context {
    protected void onCreate(android.os.Bundle state) {}
    @Override public native android.content.res.AssetManager getAssets();
    @Override public native java.io.File getFilesDir();
    @Override public native java.io.File getCacheDir();
    @Override public native java.io.File getCodeCacheDir();
    @Override public native android.content.Context getApplicationContext();
    @Override public native android.content.SharedPreferences getSharedPreferences(String name, int mode);
    @Override public native String getPackageName();
    @Override public native void startActivity(android.content.Intent intent);
    @Override public native android.content.ContentResolver getContentResolver();
}
