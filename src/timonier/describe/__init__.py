"""Room: describe."""
