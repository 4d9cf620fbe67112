"""The compiled loops of the benchmarks: arrays and numbers in, arrays and numbers out; Numba lives here."""
