"""The lines that carry a session: to a browser, a telephone, a file, a test."""
