"""Proofs of what is shipped: wheel, sdist, import cost, README."""
