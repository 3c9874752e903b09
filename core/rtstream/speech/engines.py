"""What all engines share: finding their package and model, and errors that say what to do."""

from __future__ import annotations

import importlib.util
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import HandlerRaised, MissingExtra, RtstreamError, UsageError

OFFLINE_STT = 'or get_stt_model("pocketsphinx"), which needs no download: pip install "rtstream[offline]"'
OFFLINE_TTS = 'or get_tts_model("espeak"), which needs no download: pip install "rtstream[offline]"'


def package(module: str, engine: str, extra: str, otherwise: str = "") -> Any:
    """The engine's package.

    Raises:
        MissingExtra: it is not installed.
    """
    need(module, engine, extra, otherwise)
    return import_module(module)


def need(module: str, engine: str, extra: str, otherwise: str = "") -> None:
    """Look for the engine's package without importing it.

    Raises:
        MissingExtra: it is not installed.
    """
    if importlib.util.find_spec(module) is None:
        raise MissingExtra(
            f"`{engine}` is not installed",
            why=f"it is an optional part of rtstream: the package `{module}` is missing",
            fix=f'pip install "rtstream[{extra}]"' + (f", {otherwise}" if otherwise else ""),
        )


def model_file(path: str | Path, engine: str) -> Path:
    """The file or folder of a model.

    Raises:
        UsageError: there is nothing of that name.
    """
    found = Path(path).expanduser()
    if not found.exists():
        raise UsageError(
            f"there is no model at `{path}`",
            why=f"`{engine}` was told to load it from there",
            fix="Give the path of a model that is on this machine",
        )
    return found


def cached(repository: str, files: list[str], engine: str, otherwise: str) -> list[str]:
    """The files of a model that was downloaded before, in the Hugging Face cache of this machine.

    Raises:
        MissingExtra: they are not there; nothing is downloaded without being asked for.
    """
    look_up = import_module("huggingface_hub").try_to_load_from_cache
    found = [look_up(repository, file) for file in files]
    if not all(isinstance(path, str) for path in found):
        raise not_downloaded(engine, f"hf download {repository} {' '.join(files)}", otherwise)
    return found


def not_downloaded(engine: str, command: str, otherwise: str) -> MissingExtra:
    """The error for a model that is not on this machine."""
    return MissingExtra(
        f"the model of `{engine}` is not on this machine",
        why="rtstream downloads nothing on its own",
        fix=f"{command}, {otherwise}",
    )


class Loading(AbstractContextManager[None]):
    """Whatever an engine raises while it loads a model comes out as a `UsageError`."""

    def __init__(self, engine: str, model: str | Path) -> None:
        self._engine = engine
        self._model = model

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, RtstreamError):
            raise UsageError(
                f"`{self._model}` is no model that `{self._engine}` can load",
                why=_told(error),
                fix="Give the path of another one, or download it again",
            ) from error


class Working(AbstractContextManager[None]):
    """Whatever an engine raises while it works comes out as `HandlerRaised`."""

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, RtstreamError):
            raise failed(self._engine, _told(error)) from error


def failed(engine: str, why: str) -> HandlerRaised:
    """The error for an engine that failed at its work."""
    return HandlerRaised(
        f"the speech engine `{engine}` failed",
        why=why,
        fix="The connection goes on with the next turn; if it happens again, try another engine",
    )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
