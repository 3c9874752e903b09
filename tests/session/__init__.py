"""Proofs of whole connections over the memory transport, on a clock that a test can outrun."""
