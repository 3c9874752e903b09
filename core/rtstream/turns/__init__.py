"""Whose turn it is: windows of sound and facts of the reply in, events out, with no I/O."""
