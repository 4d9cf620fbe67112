"""Kit: errors, units, files; what every room needs and no room owns."""
