package androidx.lifecycle;

public abstract class LiveData<T> {
    /** May be null. */
    public native T getValue();
}
