"""`python -m rtstream_cli`, where the program `rtstream` is not on the path."""

from .app import run

run()
