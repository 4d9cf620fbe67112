"""timonier: the helmsman of heterogeneous compute."""

__version__ = "0.1.0"
