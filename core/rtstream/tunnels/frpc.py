"""The program `frpc` of Gradio's share links: where it lies, and that it is the one that Gradio means."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from pathlib import Path

from ..errors import ToolMissing

VERSION = "0.3"
SOURCE = f"https://cdn-media.huggingface.co/frpc-gradio-{VERSION}/"

# What Gradio's own `gradio.tunneling` expects (a test compares the two).
SHA256 = {
    "frpc_linux_amd64": "c791d1f047b41ff5885772fc4bf20b797c6059bbd82abb9e31de15e55d6a57c4",
    "frpc_linux_arm64": "823ced25104de6dc3c9f4798dbb43f20e681207279e6ab89c40e2176ccbf70cd",
    "frpc_linux_arm": "4b563beb2e36c448cc688174e20b53af38dc1ff2b5e362d4ddd1401f2affbfb7",
    "frpc_darwin_amd64": "930f8face3365810ce16689da81b7d1941fda4466225a7bbcbced9a2916a6e15",
    "frpc_darwin_arm64": "dfac50c690aca459ed5158fad8bfbe99f9282baf4166cf7c410a6673fbc1f327",
    "frpc_windows_amd64.exe": "14bc0ea470be5d67d79a07412bd21de8a0a179c6ac1116d7764f68e942dc9ceb",
}
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


def name() -> str:
    """What the program for this machine is called, as in `frpc_linux_amd64`."""
    system, machine = platform.system().lower(), platform.machine().lower()
    return f"frpc_{system}_{MACHINES.get(machine, machine)}{'.exe' if system == 'windows' else ''}"


def place() -> Path:
    """Where Gradio keeps it too, so that it is there but once."""
    return hugging_face_home() / "gradio/frpc" / f"{name().removesuffix('.exe')}_v{VERSION}"


def hugging_face_home() -> Path:
    """The folder of Hugging Face's libraries: HF_HOME, or `huggingface` in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("HF_HOME", f"{cache}/huggingface")).expanduser()


def known() -> bool:
    """Whether there is one for this kind of machine."""
    return name() in SHA256


def there() -> bool:
    """Whether it has been fetched."""
    return place().is_file()


def ready(spare: Path) -> Path:
    """The program, checked; fetched first if it is not there. Blocks.

    Args:
        spare: a folder to put it in when its own cannot be written.

    Raises:
        ToolMissing: there is none for this machine, it cannot be fetched, or it is another one.
    """
    if not known():
        raise ToolMissing(
            "Gradio has no tunnel for this kind of machine",
            why=f"there is no `{name()}`",
            fix="Take another --tunnel",
        )
    if not there():
        return _fetched(spare)
    if _digest(place().read_bytes()) != SHA256[name()]:
        raise ToolMissing(
            f"`{place()}` is not the frpc {VERSION} that Gradio means",
            why="its SHA-256 is another one",
            fix="Remove it: it is fetched anew",
        )
    return place()


def _fetched(spare: Path) -> Path:
    import httpx

    try:
        answer = httpx.get(SOURCE + name(), timeout=20, follow_redirects=True).raise_for_status()
    except httpx.HTTPError as error:
        raise ToolMissing(
            "Gradio's frpc is not there and cannot be fetched",
            why=f"{SOURCE + name()}: {error}",
            fix=f"Put it at {place()}, or take another --tunnel",
        ) from None
    if _digest(answer.content) != SHA256[name()]:
        raise ToolMissing(
            f"what came from {SOURCE} is not frpc {VERSION}",
            why="its SHA-256 is another one",
            fix="Look at what stands between this machine and that address",
        )
    try:
        return _written(place(), answer.content)
    except OSError:
        return _written(spare / place().name, answer.content)


def _written(path: Path, content: bytes) -> Path:
    """Write it in one step: whoever looks finds all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.chmod(unfinished, 0o755)
    os.replace(unfinished, path)
    return path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
