package android.net;

public abstract class Uri implements android.os.Parcelable {
    public static native Uri fromParts(String scheme, String part, String fragment);
}
