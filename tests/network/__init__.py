"""Proofs over real sockets, all of them on 127.0.0.1."""
