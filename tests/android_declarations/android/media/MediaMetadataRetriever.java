package android.media;

public class MediaMetadataRetriever {
    public static final int METADATA_KEY_DURATION = 9;
    public static final int METADATA_KEY_HAS_VIDEO = 17;
    public static final int METADATA_KEY_VIDEO_FRAME_COUNT = 32;
    public static final int METADATA_KEY_COLOR_TRANSFER = 36;
    public static final int OPTION_CLOSEST = 3;
    public native void setDataSource(android.content.Context context, android.net.Uri uri);
    /** May be null. */
    public native String extractMetadata(int key);
    /** May be null. */
    public native android.graphics.Bitmap getFrameAtTime(long microseconds, int option);
    /** May be null. */
    public native android.graphics.Bitmap getScaledFrameAtTime(long microseconds, int option, int width, int height);
    public native void release() throws java.io.IOException;
}
