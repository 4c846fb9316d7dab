package android.content;

public abstract class ContentResolver {
    /** May be null. */
    public final native String getType(android.net.Uri uri);
    /** May be null. */
    public final native java.io.InputStream openInputStream(android.net.Uri uri) throws java.io.FileNotFoundException;
    /** May be null. */
    public final native android.database.Cursor query(
        android.net.Uri uri, String[] projection, String selection, String[] arguments, String order);
}
