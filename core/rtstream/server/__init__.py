"""Signalling: offers, candidates and webhooks in, answers out."""
