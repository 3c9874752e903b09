"""The engine of `rtstream test-file`: a recording sent through a stream over each wire, and compared."""
