"""What the benchmarks share: servers as processes, callers, test material, tables."""

import os

# Installed packages have their bytecode. Without ours, each start would compile us and nobody else.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
