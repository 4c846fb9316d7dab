package android.view;

public class View {
    public native Display getDisplay();
}
