"""Turn a Python function into a realtime audio or video stream."""

__version__ = "0.1.0"
