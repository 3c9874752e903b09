"""How many calls a handler holds: what `rtstream bench` starts, measures, concludes and tells."""
