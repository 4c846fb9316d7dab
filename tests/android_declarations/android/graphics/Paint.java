package android.graphics;

public class Paint {
    public static final int ANTI_ALIAS_FLAG = 1;
    public enum Style { FILL, STROKE, FILL_AND_STROKE }
    public Paint() {}
    public Paint(int flags) {}
    public native Style getStyle();
    public native void setStyle(Style style);
    public native float getStrokeWidth();
    public native void setStrokeWidth(float width);
    public native int getColor();
    public native void setColor(int color);
    public native float getTextSize();
    public native void setTextSize(float size);
    public native float measureText(String text);
}
