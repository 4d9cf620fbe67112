"""Generators: seeded synthetic workloads."""
