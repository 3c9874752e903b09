"""The libraries that come with PyAV, for those that are called directly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def libraries(name: str) -> Iterator[str]:
    """The paths of those in whose file's name this stands."""
    import av

    package = Path(av.__file__).parent
    for folder in (package.parent / "av.libs", package / ".dylibs", package):  # Linux, macOS; Windows
        files = sorted(folder.glob(f"*{name}*"))
        yield from (str(path) for path in files if ".so" in path.name or path.suffix in (".dylib", ".dll"))
