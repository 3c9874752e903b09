"""Check the limits that no linter knows: sizes, seams, circles, the version, and what may not be in the tree.

Prints one line a finding, in the form `path:line: what`, and ends with 1 when there is one.
"""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHIPPED = {  # folder: the prefix that its modules are imported with
    "core": "rtstream",
    "cli": "rtstream_cli",
    "templates": "rtstream_templates",
}

MODULE_LINES = 300
ROOMY = {"core/rtstream/stream.py": 360, "core/rtstream/transports/webrtc.py": 360}
FUNCTION_LINES = 60
FUNCTION_LINES_P95 = 35
IGNORES_PER_1000_LINES = 1

# Where anything at all may be caught: around the user's code, and at the edge of the command line. A
# thread's calls are no third seam: there what is caught is carried on to whoever made the call.
SEAMS = ("core/rtstream/session/reports.py", "cli/rtstream_cli/edge.py")
CARRIERS = ("core/rtstream/worker.py",)
ANYTHING = {"Exception", "BaseException"}

# Written so that this file, and the pattern itself, are no findings.
LEAKS = re.compile(
    r"/(wor[k]|far[m]|roo[t])/|/tm[p]/[a-z]|https?://[a-z.]*(pyp[i]|pythonhoste[d]|npmj[s]|de[b]\.debian)"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, the name it is imported by, its text and its tree."""

    path: str
    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def shipped() -> list[Module]:
    """Every module that a wheel carries."""
    return [
        read(path, folder)
        for folder, package in SHIPPED.items()
        for path in sorted((ROOT / folder / package).rglob("*.py"))
    ]


def read(path: Path, folder: str) -> Module:
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(ROOT / folder).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(str(path.relative_to(ROOT)), name, text, ast.parse(text))


def captions(modules: list[Module]) -> Iterator[str]:
    """Every module opens with one sentence that says what it is."""
    for module in modules:
        first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
        if not first.endswith("."):
            yield f"{module.path}:1: does not open with one sentence that says what it is"


def module_sizes(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        limit = ROOMY.get(module.path, MODULE_LINES)
        if module.lines > limit:
            yield f"{module.path}:1: {module.lines} lines, more than {limit}"


def function_sizes(modules: list[Module]) -> Iterator[str]:
    lengths = []
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, Function):
                lengths.append(lines := body_lines(node))
                if lines > FUNCTION_LINES:
                    yield f"{module.path}:{node.lineno}: {node.name}: {lines} > {FUNCTION_LINES} lines"
    p95 = sorted(lengths)[int(len(lengths) * 0.95)]
    if p95 > FUNCTION_LINES_P95:
        yield f"core:1: one function in twenty has {p95} lines or more, more than {FUNCTION_LINES_P95}"


def body_lines(node: Function) -> int:
    """The lines of a function from `def` to its end, less those of its docstring."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        assert docstring.end_lineno is not None
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def ignores(modules: list[Module]) -> Iterator[str]:
    """Few `type: ignore` (that each names its rule is mypy's check, and ruff's)."""
    found = [
        f"{module.path}:{number}"
        for module in modules
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(r"#\s*type:\s*ignore", line)
    ]
    allowed = sum(module.lines for module in modules) * IGNORES_PER_1000_LINES // 1000
    if len(found) > allowed:
        yield f"{found[-1]}: {len(found)} `type: ignore`, more than {allowed}: {', '.join(found)}"


def seams(modules: list[Module]) -> Iterator[str]:
    """Anything at all is caught in two places only."""
    for module in modules:
        if module.path not in SEAMS + CARRIERS:
            for line in sorted(filter(None, map(catches_anything, ast.walk(module.tree)))):
                yield f"{module.path}:{line}: catches anything, which only {' and '.join(SEAMS)} may"


def catches_anything(node: ast.AST) -> int | None:
    """The line of an `except` or a `suppress` that nothing escapes, None for any other node."""
    match node:
        case ast.ExceptHandler(body=[*_, ast.Raise(exc=None)]):
            return None  # it tidies up and lets go
        case ast.ExceptHandler(type=None, lineno=line):
            return line
        case ast.ExceptHandler(type=ast.expr() as caught, lineno=line) if names(caught) & ANYTHING:
            return line
        case ast.Call(
            func=ast.Name("suppress") | ast.Attribute(attr="suppress"), args=all_caught, lineno=line
        ):
            return line if any(names(caught) & ANYTHING for caught in all_caught) else None
    return None


def names(node: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def circles(modules: list[Module]) -> Iterator[str]:
    """No module imports itself through others, be it in a function or for types only."""
    known = {module.name for module in modules}
    graph = {module.name: set(imported(module, known)) - {module.name} for module in modules}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"core:1: a circle of imports: {' <- '.join(error.args[1])}"


def imported(module: Module, known: set[str]) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            source = absolute(node, module)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                if inner in known or source in known:
                    yield inner if inner in known else source


def absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    if not module.path.endswith("__init__.py"):
        package.pop()
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def version(modules: list[Module]) -> Iterator[str]:
    """The version is the newest one that the changelog tells of."""
    text = next(module.text for module in modules if module.name == "rtstream")
    ours = re.search(r'^__version__ = "(.+)"$', text, re.M)
    told = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    if not ours or not told or ours[1] != told[1]:
        yield f"CHANGELOG.md:1: its newest version is {told and told[1]}, ours is {ours and ours[1]}"


def leaks() -> Iterator[str]:
    """No path of somebody's machine and no package registry's host stands in the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix == ".lock" or not path.is_file() or b"\0" in (content := path.read_bytes()):
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
            if LEAKS.search(line):
                yield f"{name}:{number}: a path of a machine, or a registry's host: {line.strip()[:80]}"


def findings() -> Iterator[str]:
    modules = shipped()
    for check in (captions, module_sizes, function_sizes, ignores, seams, circles, version):
        yield from check(modules)
    yield from leaks()


if __name__ == "__main__":
    found = list(findings())
    print("\n".join(found) if found else "all limits are kept")
    sys.exit(bool(found))
