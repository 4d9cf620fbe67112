"""Models that make workloads: every one is a seeded function of its parameters."""
