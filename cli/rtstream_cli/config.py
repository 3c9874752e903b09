"""Where a value comes from: a flag, `RTSTREAM_*`, `rtstream.toml`, `[tool.rtstream]`, or the default.

The configuration file is the nearest `rtstream.toml`, or `pyproject.toml` with a table
`[tool.rtstream]`, from the working folder upward to the root of the repository. Outside of a
repository only the working folder is looked at: a file that a stranger left in a parent folder
could name a handler, and loading a handler runs its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtstream.errors import ConfigError, UsageError

from .console import console
from .flags import Globals as Globals
from .keys import ARGUMENT, KEYS, SECTIONS

if TYPE_CHECKING:
    import typer

DEFAULT = "default"
OF_TARGET = ("modality", "mode", "parameters")  # what a file says of its own target, and of no other


@dataclass(frozen=True)
class Layer:
    """The values of one file: `name` is how a person calls it, `folder` where its paths start."""

    name: str
    folder: Path
    values: dict[str, Any]


class Settings:
    """The values of one run of a command; each remembers its source.

    Attributes:
        words: what stood behind `--`: values of the function's own parameters.
        values: what was taken so far.
        sources: where each of these values came from.
    """

    def __init__(self, layers: list[Layer], ctx: typer.Context | None = None) -> None:
        self.layers = layers
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self._ctx = ctx
        self.words: list[str] = list(ctx.meta.get("rtstream.words", ())) if ctx is not None else []

    @classmethod
    def of(cls, ctx: typer.Context) -> Settings:
        """The settings of a running command, all that was given to it checked before it does anything.

        Raises:
            UsageError: a flag has a value that cannot be.
            ConfigError: a variable or a configuration file has one, or the file cannot be read.
        """
        settings = cls(read_layers(Path.cwd(), ctx.find_object(Globals) or Globals()), ctx)
        for name in sorted(KEYS.keys() & ctx.params.keys(), key=lambda name: name != "target"):
            settings.take(name, ctx.params[name])
        return settings

    def take(self, name: str, given: Any = None) -> Any:
        """The value of a key of `KEYS`.

        Args:
            name: the key, and the name of the command's parameter.
            given: what the flag or its environment variable says; None or empty when they are silent.

        Raises:
            UsageError: the flag has a value that cannot be.
            ConfigError: the environment variable or a file has one.
        """
        self.values[name], self.sources[name] = self._found(name, given)
        return self.values[name]

    def given(self, name: str) -> bool:
        """Whether a flag or a variable gave this value, for this run and not for the project."""
        source = self.sources.get(name, DEFAULT)
        return source != DEFAULT and all(source != layer.name for layer in self.layers)

    def folder(self, name: str) -> Path:
        """From where a path in the value of `name` counts: its file's folder, or the working folder."""
        for layer in self.layers:
            if self.sources.get(name) == layer.name:
                return layer.folder
        return Path.cwd()

    def explain(self) -> None:
        """With `-v`, say of each value taken so far where it came from."""
        for name, value in self.values.items():
            console.detail(f"{name} = {value!r} ({self.sources[name]})")

    def _found(self, name: str, given: Any) -> tuple[Any, str]:
        if given not in (None, [], ()):
            source = self._spoken_by(name)
            return self._parse(name, given, source), source
        for layer in self.layers:
            if name in layer.values and not (name in OF_TARGET and self._is_other_target(layer)):
                return layer.values[name], layer.name
        return KEYS[name].default, DEFAULT

    def _is_other_target(self, layer: Layer) -> bool:
        """Whether this run is for another handler than the one that a file speaks of."""
        named = layer.values.get("target")
        current = self.values.get("target") or ""
        if not self.given("target"):
            return False
        return current.startswith("@") or (named is not None and current.replace("::", ":") != named)

    def _spoken_by(self, name: str) -> str:
        flag = ARGUMENT if name == "target" else f"--{name.replace('_', '-')}"
        if self._ctx is None:
            return flag
        source = self._ctx.get_parameter_source(name)
        return f"RTSTREAM_{name.upper()}" if source is not None and source.name == "ENVIRONMENT" else flag

    def _parse(self, name: str, given: Any, source: str) -> Any:
        key = KEYS[name]
        try:
            value = key.parse(given) if isinstance(given, str | list) else given
            if key.fits(value):
                return value
        except ValueError:
            pass
        failure = ConfigError if source.startswith("RTSTREAM_") else UsageError
        raise failure(
            f"{source if source == ARGUMENT else f'`{source}`'} cannot be {given!r}",
            why=f"it takes {key.expects}",
            fix=key.near(given) or key.example(source),
        )


def read_layers(start: Path, given: Globals) -> list[Layer]:
    """The configuration files that hold for a folder, the strongest first.

    Raises:
        ConfigError: a file cannot be read, or holds an unknown key or a value of the wrong type.
    """
    if given.config is not None:
        return [_read(given.config.resolve(), must=True)]
    for folder in _upward(start.resolve()):
        layers = [
            _read(folder / name) for name in ("rtstream.toml", "pyproject.toml") if (folder / name).is_file()
        ]
        if found := [layer for layer in layers if layer.values or layer.name == "rtstream.toml"]:
            return found
    return []


def _upward(start: Path) -> list[Path]:
    parents = [start, *start.parents]
    for i, folder in enumerate(parents):
        if (folder / ".git").exists():
            return parents[: i + 1]
    return [start]


def _read(path: Path, must: bool = False) -> Layer:
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"`{path}` cannot be read",
            why=error.strerror or str(error),
            fix="Give another file with --config",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{path}` is not TOML", why=str(error), fix="Mend that line") from None
    if path.name == "pyproject.toml":
        table, name = _tool(document), "pyproject.toml [tool.rtstream]"
    else:
        table, name = document, path.name
    return Layer(name, path.parent, _checked(table, name))


def _tool(document: dict[str, Any]) -> dict[str, Any]:
    """The table [tool.rtstream] of a pyproject.toml, empty when it has none."""
    tools = document.get("tool")
    table = tools.get("rtstream", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError(
            f"pyproject.toml: `tool.rtstream` cannot be {table!r}",
            why="it is a table of settings",
            fix="For example: [tool.rtstream], and below it: " + KEYS["target"].line("target"),
        )
    return table


def _checked(table: dict[str, Any], file: str) -> dict[str, Any]:
    """The table with its sections laid flat, every key known and every value of its type."""
    values: dict[str, Any] = {}
    for written, value in table.items():
        name = written.replace("-", "_")
        if name in SECTIONS and isinstance(value, dict):
            for inner, inner_value in value.items():
                _put(values, inner, inner_value, name, file, f"[{written}] {inner}")
        else:
            _put(values, written, value, "", file, written)
    return values


def _put(values: dict[str, Any], written: str, value: Any, section: str, file: str, shown: str) -> None:
    name = written.replace("-", "_")
    known = [key for key, rule in KEYS.items() if rule.section == section]
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        raise ConfigError(
            f"{file} has an unknown key `{shown}`",
            why=f"known are {', '.join(f'`{key}`' for key in known)}",
            fix=f"Did you mean `{near[0]}`?" if near else f"Remove `{shown}`",
        )
    if not KEYS[name].fits(value):
        raise ConfigError(
            f"{file}: `{shown}` cannot be {value!r}",
            why=f"it takes {KEYS[name].expects}",
            fix=KEYS[name].near(value) or f"For example: {KEYS[name].line(name)}",
        )
    values[name] = value
