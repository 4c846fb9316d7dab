"""The tests of the kit; they lie as the kit does, and share what is in `support`."""
