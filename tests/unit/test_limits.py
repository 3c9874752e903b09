"""The limits of the house say no to what breaks them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import pytest

from scripts import limits
from scripts.limits import Module

CAPTION = '"""A room."""\n'


def module(text: str, name: str = "rtstream.room", path: str = "") -> Module:
    return Module(path or f"core/{name.replace('.', '/')}.py", name, text, ast.parse(text))


def function(lines: int, name: str = "long") -> str:
    return f"def {name}():\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (limits.captions, "x = 1\n"),
        (limits.captions, '"""A room without an end"""\n'),
        (limits.module_sizes, "x = 1\n" * 301),
        (limits.function_sizes, function(61) + function(2) * 99),
        (limits.function_sizes, "".join(function(36, f"f{i}") for i in range(2)) + function(2) * 18),
        (limits.ignores, "x = 1  # type: ignore[attr-defined]\n"),
        (limits.seams, "try:\n    pass\nexcept Exception:\n    pass\n"),
        (limits.seams, "try:\n    pass\nexcept (OSError, BaseException):\n    pass\n"),
        (limits.seams, "try:\n    pass\nexcept:\n    pass\n"),
        (limits.seams, "with contextlib.suppress(Exception):\n    pass\n"),
    ],
)
def test_what_breaks_a_limit_is_found(check: Callable[[list[Module]], Iterator[str]], text: str) -> None:
    assert len(list(check([module(text)]))) == 1


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (limits.captions, CAPTION),
        (limits.module_sizes, "x = 1\n" * 300),
        (limits.function_sizes, 'def documented():\n    """What it does.\n' + "\n" * 60 + '    """\n'),
        (limits.ignores, "x = 1  # type: ignore[attr-defined]\n" + "x = 1\n" * 999),
        (limits.seams, "try:\n    pass\nexcept OSError:\n    pass\n"),
        (limits.seams, "try:\n    pass\nexcept BaseException:\n    tidy()\n    raise\n"),
    ],
)
def test_what_keeps_a_limit_is_not_found(check: Callable[[list[Module]], Iterator[str]], text: str) -> None:
    assert not list(check([module(text)]))


def test_the_seams_themselves_may_catch_anything() -> None:
    text = "try:\n    pass\nexcept Exception:\n    pass\n"
    assert not list(limits.seams([module(text, path=path) for path in limits.SEAMS]))


@pytest.mark.parametrize(
    "way_back",
    [
        "from rtstream.a import x\n",
        "from rtstream import a\n",
        "from .a import x\n",
        "from . import a\n",
        "import rtstream.a\n",
        "def f():\n    from rtstream import a\n",
        "if TYPE_CHECKING:\n    from .a import x\n",
    ],
)
def test_a_circle_of_imports_is_found_wherever_it_hides(way_back: str) -> None:
    one = module("from rtstream.b import y\n", "rtstream.a")
    assert list(limits.circles([one, module(way_back, "rtstream.b")]))
    assert not list(limits.circles([one, module("import os\n", "rtstream.b")]))


def test_a_version_that_the_changelog_does_not_tell_of_is_found() -> None:
    assert list(limits.version([module('__version__ = "99.0"\n', "rtstream", "core/rtstream/__init__.py")]))


@pytest.mark.parametrize(
    "parts", [["", "root", "x"], ["", "tmp", "x"], ["https:", "", "files.pyp" + "i.org"]]
)
def test_a_path_of_a_machine_and_a_host_of_a_registry_are_leaks(parts: list[str]) -> None:
    assert limits.LEAKS.search("/".join(parts))
