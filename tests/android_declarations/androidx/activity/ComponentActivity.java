package androidx.activity;

public class ComponentActivity extends android.app.Activity implements androidx.lifecycle.LifecycleOwner {
    @Override protected void onCreate(android.os.Bundle state) {}
}
