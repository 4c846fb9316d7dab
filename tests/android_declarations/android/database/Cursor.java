package android.database;

public interface Cursor extends java.io.Closeable {
    boolean moveToFirst();
    /** May be null. */
    String getString(int column);
    @Override void close();
}
