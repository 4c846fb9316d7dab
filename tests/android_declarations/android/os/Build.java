package android.os;

public class Build {
    public static class VERSION {
        // Not a constant, as on a phone.
        public static final int SDK_INT = Integer.getInteger("sdk", 0);
    }
    public static class VERSION_CODES {
        public static final int O_MR1 = 27;
        public static final int P = 28;
        public static final int Q = 29;
        public static final int R = 30;
    }
}
