package android.content;

public interface SharedPreferences {
    interface Editor {
        Editor putString(String key, String value);
        void apply();
    }
    /** May be null. */
    String getString(String key, String absent);
    Editor edit();
}
