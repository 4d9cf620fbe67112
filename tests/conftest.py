"""Lets the tests import `tests.reference`, also where pytest is started as a plain command."""

import signal
import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

# shells start background jobs with Ctrl-C ignored, and children inherit that; ours are to hear it
signal.signal(signal.SIGINT, signal.default_int_handler)
