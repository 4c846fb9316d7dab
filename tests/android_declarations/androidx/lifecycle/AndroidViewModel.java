package androidx.lifecycle;

public class AndroidViewModel {
    public AndroidViewModel(android.app.Application application) {}
    protected void onCleared() {}
}
