"""Softphones that nobody here wrote, each a program of its own: they call, press keys and record."""
