"""The one room that prints: data on stdout, talk on stderr, decoration only where somebody sees it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import UnsupportedOperation
from typing import Any, Literal, TextIO

from rtstream.errors import MachineError, RtstreamError

COLORS = ("auto", "always", "never")

SCHEMA_VERSION = 1  # of every document and event that `--json` prints
SGR = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "bold red": "1;31",
    "white on black": "97;40",
}


def _set(name: str) -> bool:
    """Whether an environment variable says yes: there, and neither empty nor a no."""
    return os.environ.get(name, "").lower() not in ("", "0", "false", "no")


class Console:
    """What the commands say, and how it looks.

    The streams are looked up at each word, because a test runner exchanges them.
    """

    def __init__(self) -> None:
        self.configure()

    def configure(
        self, *, quiet: bool = False, verbose: bool = False, color: str = "auto", json: bool = False
    ) -> None:
        """Take over the global flags; called once for each run of the program."""
        self.quiet = quiet
        self.verbose = verbose
        self.color = color
        self.json = json
        self._kept: TextIO | None = None

    def keep_stdout(self) -> None:
        """With `--json`, have stdout to ourselves: from now on what anybody else prints goes to stderr.

        Called before code of the user's is loaded. What its C libraries and its child processes print goes
        there too, where stdout is the process's own and not a test runner's.
        """
        if not self.json or self._kept is not None:
            return
        given, sys.stdout = sys.stdout, sys.stderr
        try:
            ours, theirs = os.dup(given.fileno()), given.fileno()
            os.dup2(sys.stderr.fileno(), theirs)
            self._kept = os.fdopen(ours, "w", encoding=given.encoding)
        except UnsupportedOperation:
            self._kept = given

    # What the surroundings allow

    @property
    def ci(self) -> bool:
        """Whether a build server runs us: then nothing is guessed and nobody is asked."""
        return _set("CI")

    def coloured(self, stream: TextIO) -> bool:
        """Whether this stream gets colours: the flag, then NO_COLOR, FORCE_COLOR, TERM, then the terminal."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if _set("FORCE_COLOR"):
            return True
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def decorated(self, stream: TextIO) -> bool:
        """Whether this stream gets panels, tables and signs: a terminal, or one that is forced to be."""
        if self.color == "always" or (self.color == "auto" and _set("FORCE_COLOR")):
            return True
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def paint(self, text: str, style: str, stream: TextIO | None = None) -> str:
        """The text in a style of `SGR`, where the stream (default stderr) gets colours."""
        if not self.coloured(stream or sys.stderr):
            return text
        return f"\x1b[{SGR[style]}m{text}\x1b[0m"

    # Talk: stderr

    def say(self, text: str = "") -> None:
        """Tell a person what goes on. Silent with `-q`."""
        if not self.quiet:
            self._write(text, sys.stderr)

    def detail(self, text: str) -> None:
        """Tell what only `-v` wants to know."""
        if self.verbose and not self.quiet:
            self._write(self.paint(text, "dim"), sys.stderr)

    def warn(self, what: str, *, why: str = "", fix: str = "", cause: BaseException | None = None) -> None:
        """Something is not as it should be, but the work goes on; `cause` shows where in the user's code."""
        head = f"{self.paint('warning', 'yellow')}: {what}"
        place = _frames(cause) if cause is not None else ""
        lines = [head, *self._sentences(("why", why), ("at", place), ("fix", fix))]
        self._write("\n".join(lines), sys.stderr)

    def error(self, error: RtstreamError) -> None:
        """The last word of a command that failed: three sentences, or one JSON document with `--json`."""
        if self.json:
            self._write(_json(error=as_document(error)), sys.stderr)
            return
        head = f"{self.paint(f'error[{error.code}]', 'bold red')}: {error.what}"
        lines = [head, *self._sentences(("why", error.why))]
        if self.verbose:
            lines += "".join(traceback.format_exception(error)).rstrip().splitlines()
        elif error.__cause__ is not None:
            lines += self._sentences(("at", _frames(error.__cause__)))
        self._write("\n".join([*lines, *self._sentences(("fix", error.fix))]), sys.stderr)

    def _sentences(self, *parts: tuple[str, str]) -> Iterator[str]:
        for name, text in parts:
            if not text:
                continue
            first, *more = text.splitlines()
            yield f"  {self.paint(f'{name}:'.rjust(4), 'bold')} {first}"
            yield from (f"       {line}" if line else "" for line in more)

    def panel(self, title: str, lines: Sequence[str]) -> None:
        """Lines that a person looks for, in a frame. Silent with `-q`."""
        if not self.quiet:
            _rich_panel(title, lines, colours=self.coloured(sys.stderr))

    @contextmanager
    def status(self, text: str) -> Iterator[None]:
        """A line that shows something is under way, on a terminal; nothing anywhere else."""
        shown = self.decorated(sys.stderr) and not (self.quiet or self.json or self.ci)
        with _spinner(text) if shown else nullcontext():
            yield

    # Data: stdout

    @property
    def _out(self) -> TextIO:
        return self._kept or sys.stdout

    def data(self, text: str) -> None:
        """A line of the result."""
        self._write(text, self._out)

    def document(self, **fields: Any) -> None:
        """The one document of a command with `--json`."""
        self._write(_json(indent=2, **fields), self._out)

    def event(self, event: str, **fields: Any) -> None:
        """One line of a long-running command with `--json`."""
        self._write(_json(event=event, **fields), self._out)

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
    ) -> None:
        """A table of the result; the columns in `right` are flush right. Plain columns when piped."""
        if self.decorated(sys.stdout):
            _rich_table(columns, rows, right, colours=self.coloured(sys.stdout))
            return
        table = [[str(cell) for cell in row] for row in (columns, *rows)]
        widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
        for row in table:
            cells = (
                cell.rjust(width) if name in right else cell.ljust(width)
                for name, cell, width in zip(columns, row, widths, strict=True)
            )
            self.data("  ".join(cells).rstrip())

    def _write(self, text: str, stream: TextIO) -> None:
        encoding = stream.encoding or "utf-8"
        try:
            print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
        except BrokenPipeError:
            # The reader (`| head`) has seen enough. The work and its exit code do not depend on it.
            silence(stream)
        except OSError as error:
            silence(stream)
            if stream is not sys.stderr:
                raise MachineError(
                    "the output cannot be written",
                    why=error.strerror or str(error),
                    fix="Make room where it goes, or send it somewhere else",
                ) from None


def silence(stream: TextIO) -> None:
    """Send what is still written to a broken stream nowhere, so that its flush at exit does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def as_document(error: RtstreamError) -> dict[str, Any]:
    """An error as `--json` shows it, with the place in the user's code where there is one."""
    from .tracebacks import place

    document = error.as_dict()
    if error.__cause__ is not None and (found := place(error.__cause__)):
        document["at"] = found
    return document


def _frames(error: BaseException) -> str:
    from .tracebacks import render

    return render(error)


def _json(indent: int | None = None, **fields: Any) -> str:
    from json import dumps

    return dumps({"schema_version": SCHEMA_VERSION, **fields}, indent=indent)


@contextmanager
def _spinner(text: str) -> Iterator[None]:
    from rich.console import Console as RichConsole

    with RichConsole(stderr=True).status(text):
        yield


def _rich_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], *, colours: bool
) -> None:
    from rich import box
    from rich.console import Console as RichConsole
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    cells = [[Text.from_ansi(cell) for cell in row] for row in rows]
    screen = RichConsole(file=sys.stdout, force_terminal=True, no_color=not colours)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    natural = sum(max(map(len, column)) + 2 for column in zip(columns, *rows, strict=True))
    for place, name in enumerate(columns):
        texts = [row[place].plain for row in cells]
        prose = name not in right and any(text.count(" ") > 1 for text in texts)
        head = name.replace(" ", "\n") if natural > screen.width and not prose else name
        # Only prose is broken where the terminal is narrow: a figure stays beside its unit.
        least = 20 if prose else max(map(len, [*head.split("\n"), *texts]))
        justify: Literal["left", "right"] = "right" if name in right else "left"
        table.add_column(head, justify=justify, min_width=least, no_wrap=not prose)
    for row in cells:
        table.add_row(*row)
    wide = screen.options.update(max_width=1000)
    screen.width = max(screen.width, Measurement.get(screen, wide, table).minimum)
    screen.print(table)


def _rich_panel(title: str, lines: Sequence[str], *, colours: bool) -> None:
    from rich.console import Console as RichConsole
    from rich.panel import Panel
    from rich.text import Text

    console = RichConsole(file=sys.stderr, force_terminal=True, no_color=not colours)
    console.print(Panel(Text("\n".join(lines)), title=title, title_align="left", expand=False))


console = Console()
