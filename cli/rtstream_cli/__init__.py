"""The command line of rtstream."""
