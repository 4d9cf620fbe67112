"""Room: workload."""
