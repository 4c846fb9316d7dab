package androidx.lifecycle;

public class AndroidViewModel extends ViewModel {
    public AndroidViewModel(android.app.Application application) {}
}
