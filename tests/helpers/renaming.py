"""A library in which a name has become another, everywhere, so that it goes on working without it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

OTHERWISE = "another_name"


def rename(name: str, packages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an attribute another name in all of packages, as a new version of them may.

    Raises:
        AssertionError: nothing has that name.
    """
    found = False
    for owner, function in list(_functions(packages)):
        if name in vars(owner):
            found = True
            monkeypatch.setattr(owner, OTHERWISE, vars(owner)[name], raising=False)
            monkeypatch.delattr(owner, name)
        code = _renamed(function.__code__, name)
        if code is not function.__code__:
            found = True
            monkeypatch.setattr(function, "__code__", code)
    assert found, f"nothing is called {name}"


def _functions(packages: tuple[str, ...]) -> Iterator[tuple[type | ModuleType, FunctionType]]:
    """All functions, and the classes that they are methods of, or else their modules."""
    modules = [each for name, each in list(sys.modules.items()) if name.partition(".")[0] in packages]
    for module in modules:
        for member in list(vars(module).values()):
            if getattr(member, "__module__", None) != module.__name__:
                continue
            if isinstance(member, FunctionType):
                yield module, member
            elif inspect.isclass(member):
                for own in list(vars(member).values()):
                    yield from ((member, function) for function in _behind(own))


def _behind(member: Any) -> list[FunctionType]:
    """The functions of a method, whatever kind it is."""
    kinds = (member, *(getattr(member, part, None) for part in ("__func__", "fget", "fset")))
    return [each for each in kinds if isinstance(each, FunctionType)]


def _renamed(code: CodeType, name: str) -> CodeType:
    constants = tuple(_renamed(each, name) if isinstance(each, CodeType) else each for each in code.co_consts)
    names = tuple(OTHERWISE if each == name else each for each in code.co_names)
    same = names == code.co_names and all(a is b for a, b in zip(constants, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=constants, co_names=names)
