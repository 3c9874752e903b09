"""Ways from the public network to a port of this machine: one file a provider."""
