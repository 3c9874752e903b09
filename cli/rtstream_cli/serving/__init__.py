"""What `rtstream serve` is made of: port, server, warm-up, banner, end, reload."""
