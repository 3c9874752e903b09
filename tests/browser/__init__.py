"""Proofs in real browsers, chromium and Firefox, headless, with cameras and microphones of software."""
