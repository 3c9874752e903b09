"""What the tests of the engine share: callers, servers, and the sounds and pictures that they send."""
