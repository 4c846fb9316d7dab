"""Networks that only tests have."""
