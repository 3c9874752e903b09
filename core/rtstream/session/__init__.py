"""One connection, whatever carries it, and the registry of all of them."""
