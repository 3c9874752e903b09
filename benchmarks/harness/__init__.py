"""What the benchmarks share: servers as processes, callers, test material, tables."""
