"""The user's file or module, imported: always from its source, with what lies beside it within reach.

The handler's own folder goes on `sys.path`, as Python does for a script, and nothing else. A file in
a package is imported as that package's module, so that its relative imports work; a file with
relative imports in a folder that is no package is treated as if it were in one.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import NoReturn

from rtstream.errors import HandlerImportFailed, HandlerNotFound, MachineError, RtstreamError

from . import tracebacks
from .edge import attempt

_ours: set[str] = set()  # modules loaded from here: a later target of that name may take their place


class FreshLoader(SourceFileLoader):
    """Compiles the source each time.

    The cache of compiled files goes by size and whole seconds, so two saves within a second could
    make a reload run the old code.
    """

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load_file(path: Path, shown: str) -> ModuleType:
    """The module of a `.py` file.

    Raises:
        HandlerImportFailed: it raised while it was imported, with its own error as the cause.
    """
    _reach(path.parent)
    root = _package_root(path)
    if root is None:
        name = _free_name(path.stem)
    else:
        name = ".".join((*path.parent.relative_to(root.parent).parts, path.stem))
        _anchor(root, shown)
    return _imported(lambda: _execute(name, path), shown)


def load_module(dotted: str, folder: Path) -> ModuleType:
    """The module of a dotted name, looked up from `folder` as `python -m` would.

    Raises:
        HandlerNotFound: there is no such module.
        HandlerImportFailed: it, or something that it imports, raised.
    """
    _reach(folder)
    importlib.invalidate_caches()
    module, error = attempt(lambda: importlib.import_module(dotted))
    if isinstance(error, ModuleNotFoundError) and error.name and f"{dotted}.".startswith(f"{error.name}."):
        raise HandlerNotFound(
            f"there is no module `{error.name}`",
            why=f"looked for in {folder} and among the installed packages",
            fix=f"Name a file (`{dotted.replace('.', '/')}.py`), or go to its folder with `-C`",
        )
    if error is not None:
        _fail(error, dotted)
    assert module is not None
    return module


def _reach(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _free_name(stem: str) -> str:
    """The file's own name, unless a module that others use has it (a handler called `queue.py`)."""
    taken = stem in sys.modules and stem not in _ours
    return f"rtstream_target_{stem}" if taken or not stem.isidentifier() else stem


def _package_root(path: Path) -> Path | None:
    """The outermost folder of the package that a file is in; None when it is in none."""
    root = None
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        root, folder = folder, folder.parent
    if root is None and path.parent.name.isidentifier() and _imports_relatively(path):
        return path.parent
    return root


def _imports_relatively(path: Path) -> bool:
    tree, _ = attempt(lambda: ast.parse(path.read_bytes()))
    return tree is not None and any(
        isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree)
    )


def _anchor(root: Path, shown: str) -> None:
    """Import the outermost package, from where it lies."""
    known = sys.modules.get(root.name)
    if known is not None and str(root) in list(getattr(known, "__path__", [])):
        return
    init = root / "__init__.py"
    if init.is_file():
        _imported(lambda: _execute(root.name, init, [str(root)]), shown)
        return
    package = ModuleType(root.name)
    package.__path__ = [str(root)]
    sys.modules[root.name] = package
    _ours.add(root.name)


def _execute(name: str, path: Path, search: list[str] | None = None) -> ModuleType:
    loader = FreshLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(
        name, path, loader=loader, submodule_search_locations=search
    )
    assert isinstance(spec, ModuleSpec)
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    _ours.add(name)
    return module


def _imported(load: Callable[[], ModuleType], shown: str) -> ModuleType:
    module, error = attempt(load)
    if error is not None:
        _fail(error, shown)
    assert module is not None
    return module


def _fail(error: BaseException, shown: str) -> NoReturn:
    if isinstance(error, MachineError):
        raise error  # nothing is wrong with the file: this machine lacks something, and the error says what
    raise _failed(error, shown) from error


def _failed(error: BaseException, shown: str) -> HandlerImportFailed:
    place = tracebacks.place(error)
    fix = f"Mend {place}" if place else "Mend what it imports"
    if isinstance(error, ModuleNotFoundError) and error.name:
        fix = f"Install or write the module `{error.name}`, or remove its import"
    elif isinstance(error, SystemExit):
        fix = 'Put what ends the program under `if __name__ == "__main__":`'
    elif isinstance(error, RtstreamError) and error.fix:
        fix = error.fix
    return HandlerImportFailed(
        f"`{shown}` could not be imported",
        why=f"{type(error).__name__}: {_first_line(error)}".rstrip(": "),
        fix=fix,
    )


def _first_line(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return text.splitlines()[0] if text else ""
