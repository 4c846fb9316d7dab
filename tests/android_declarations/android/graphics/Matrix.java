package android.graphics;

public class Matrix {
    public native boolean postRotate(float degrees);
}
