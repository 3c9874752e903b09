"""One file, one command, one function."""
