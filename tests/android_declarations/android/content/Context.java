package android.content;

public abstract class Context {
    public static final int MODE_PRIVATE = 0;
    public abstract android.content.res.AssetManager getAssets();
    public abstract java.io.File getFilesDir();
    public abstract java.io.File getCacheDir();
    public abstract java.io.File getCodeCacheDir();
    public abstract Context getApplicationContext();
    public abstract SharedPreferences getSharedPreferences(String name, int mode);
    public abstract String getPackageName();
    public abstract void startActivity(Intent intent);
    public final native <T> T getSystemService(Class<T> kind);
    public abstract ContentResolver getContentResolver();
}
