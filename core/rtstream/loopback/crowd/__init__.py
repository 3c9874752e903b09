"""Many callers at once, who say the same thing again and again: what `rtstream bench` is made of."""
