"""Proofs of single rooms: no socket, no loop, no time."""
