package android.os;

public class Build {
    public static class VERSION {
        // Not a constant, as on a phone.
        public static final int SDK_INT = Integer.getInteger("sdk", 0);
    }
    public static class VERSION_CODES {
        public static final int P = 28;
    }
}
