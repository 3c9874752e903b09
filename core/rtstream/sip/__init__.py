"""Telephone calls over SIP without a socket: messages, calls and what they agree on, time handed in."""
