"""What machines say about themselves, read into records.  Imported by name, never from an __init__.

Every source has a pure half (text -> records); the thin halves that read files and start programs are
`here.py`, `nvml.py` and `sysfs.py`.
"""
