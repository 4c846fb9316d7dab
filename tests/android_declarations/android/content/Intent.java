package android.content;

public class Intent {
    public static final String ACTION_SEND = "android.intent.action.SEND";
    public static final String EXTRA_STREAM = "android.intent.extra.STREAM";
    public static final int FLAG_GRANT_READ_URI_PERMISSION = 1;
    public Intent(String action) {}
    public Intent(String action, android.net.Uri uri) {}
    public native Intent setType(String type);
    public native Intent putExtra(String name, android.os.Parcelable value);
    public native void setClipData(ClipData data);
    public native ClipData getClipData();
    public native Intent addFlags(int flags);
    public static native Intent createChooser(Intent target, CharSequence title);
}
