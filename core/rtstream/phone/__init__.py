"""The telephone: a number that leads to a stream, for as long as its program runs."""
