"""Python and the packages that rtstream stands on: whether they are there, and in versions that fit."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from .finding import Finding

TOLD = ("aiortc", "av", "numpy", "uvicorn", "gradio")  # whose versions whoever helps asks for first
FAST = "uvloop"


def look() -> Iterator[Finding]:
    """Look at all that is required; none of it is loaded."""
    system = f"{platform.system()} {platform.machine()}"
    yield Finding("python", "ok", f"{platform.python_version()} on {system}")
    needed = [requirement for requirement in _required() if requirement.name != "rtstream"]
    wrong = [finding for requirement in needed if (finding := _misfit(requirement)) is not None]
    yield from wrong
    if not wrong:
        told = ", ".join(f"{name} {_version(name)}" for name in TOLD)
        yield Finding("packages", "ok", f"all {len(needed)} are here, in versions that fit: {told}")
    if platform.system() != "Windows":
        yield _fast()


def _required() -> list[Requirement]:
    """The requirements of rtstream on this machine, without those of its extras."""
    found = map(Requirement, metadata.requires("rtstream") or ())
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]


def _misfit(requirement: Requirement) -> Finding | None:
    name, version = requirement.name, _version(requirement.name)
    fix = f'pip install "{name}{requirement.specifier}"'
    if version is None:
        return Finding(name, "fail", "is not installed", fix)
    if requirement.specifier.contains(version, prereleases=True):
        return None
    said = f"is there in version {version}; rtstream needs {requirement.specifier}"
    return Finding(name, "fail", said, fix)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _fast() -> Finding:
    if (version := _version(FAST)) is not None:
        return Finding(FAST, "ok", f"{version}: `rtstream serve` runs on it")
    return Finding(FAST, "skip", "not installed: many calls would cost less with it", f"pip install {FAST}")
