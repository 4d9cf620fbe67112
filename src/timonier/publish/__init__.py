"""Room: publish. What goes out to people: the report of a comparison."""
