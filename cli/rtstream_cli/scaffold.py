"""The templates: listed, checked, and copied so that a project is there whole or not at all."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from rtstream.errors import ProjectRefused, UsageError

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAMED = ("pyproject.toml", "README.md", "rtstream.toml")  # the files that hold the placeholder {{name}}


@dataclass(frozen=True)
class Template:
    """A project to start from: what it is for, and where its files lie in the package."""

    name: str
    summary: str
    modality: str
    mode: str
    sample: str
    root: Traversable

    @property
    def lines(self) -> int:
        """How long its handler is."""
        return len((self.root / "handler.py").read_text(encoding="utf-8").splitlines())


def templates() -> dict[str, Template]:
    """All templates by name, `echo` first."""
    found: dict[str, Template] = {}
    for folder in sorted(
        files("rtstream_templates").iterdir(), key=lambda one: (one.name != "echo", one.name)
    ):
        description = folder / "template.toml"
        if description.is_file():
            found[folder.name] = Template(
                folder.name, **tomllib.loads(description.read_text(encoding="utf-8")), root=folder
            )
    return found


def template(name: str) -> Template:
    """The template of that name.

    Raises:
        UsageError: there is none.
    """
    known = templates()
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    raise UsageError(
        f"there is no template `{name}`",
        why=f"there are {', '.join(f'`{one}`' for one in known)}",
        fix=f"Did you mean `{near[0]}`?" if near else "rtstream new --list",
    )


def check_name(name: str) -> None:
    """Refuse a name that cannot be a project's.

    Raises:
        ProjectRefused: with the reason, and a name that would do.
    """
    if "/" in name or "\\" in name or name in (".", ".."):
        raise ProjectRefused(
            f"`{name}` is a path, not a name",
            why="a project is made in the working folder, under its own name",
            fix="Go to the folder with `-C DIR` and give the name alone",
        )
    if not (why := _unfit(name)):
        return
    better = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_0123456789")[:56]
    if _unfit(better):
        better = f"{better or 'my'}-app"
    raise ProjectRefused(f"`{name}` cannot be a project's name", why=why, fix=f"rtstream new {better}")


def _unfit(name: str) -> str:
    """Why a name cannot be a project's; empty if it can."""
    module = name.replace("-", "_")
    if not NAME.fullmatch(name):
        return "a name starts with a letter from a to z; then follow at most 63 of a-z, 0-9, `_` and `-`"
    if keyword.iskeyword(module):
        return "it is a word of the Python language"
    if module in sys.stdlib_module_names:
        return f"Python has a module `{module}`, and the two would be mistaken for each other"
    if module in ("rtstream", "rtstream_cli", "rtstream_templates"):
        return "that is our own name, and the two would be mistaken for each other"
    return ""


def check_folder(folder: Path) -> None:
    """Refuse a place where something is already.

    Raises:
        ProjectRefused: it is a link, a file, or a folder with something in it.
    """
    if folder.is_symlink():
        why = "it is a symbolic link, and a project is not written through one"
    elif folder.is_dir():
        there = sorted(os.listdir(folder))
        if not there:
            return
        why = f"it holds {', '.join(there[:4])}{' and more' if len(there) > 4 else ''}"
    elif folder.exists():
        why = "a file of that name is in the way"
    else:
        return
    raise ProjectRefused(
        f"`{folder.name}` is already there", why=why, fix="Give another name, or move it away"
    )


def contents(chosen: Template, name: str) -> dict[str, bytes]:
    """The files of a new project by their path in it."""
    found: dict[str, bytes] = {}
    for path, file in _walk(chosen.root):
        data = file.read_bytes()
        if path in NAMED:
            data = data.replace(b"{{name}}", name.encode())
        found[path.replace("dot_gitignore", ".gitignore")] = data
    return found


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """The files of a template; installing it may have put compiled ones beside them."""
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name != "template.toml" and not entry.name.endswith(".pyc"):
            yield prefix + entry.name, entry


def write(project: dict[str, bytes], folder: Path) -> None:
    """Write a project beside its place and move it there in one step.

    Raises:
        ProjectRefused: the folder above cannot be written to.
    """
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise ProjectRefused(
            f"`{folder.name}` cannot be made in {folder.parent}",
            why=error.strerror or str(error),
            fix="Use `-C DIR`",
        ) from None
    try:
        for path, data in project.items():
            file = draft / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        draft.chmod(0o777 & ~_umask())  # mkdtemp's folders are closed to everybody else
        draft.rename(folder)
    except OSError as error:
        raise ProjectRefused(
            f"`{folder.name}` could not be written",
            why=error.strerror or str(error),
            fix="Make room and try again",
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
