"""Simulate: run a workload on a machine under a profile; the engine that also forecasts the live queue."""

from timonier.simulate.run import Run, simulate

__all__ = ["Run", "simulate"]
