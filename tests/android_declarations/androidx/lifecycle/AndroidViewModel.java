package androidx.lifecycle;

public class AndroidViewModel {
    public AndroidViewModel(android.app.Application application) {}
    public native <T extends android.app.Application> T getApplication();
    protected void onCleared() {}
}
