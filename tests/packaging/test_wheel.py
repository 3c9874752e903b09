"""What is shipped: the wheel and the sdist hold what they must, and the installed wheel works."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtstream import __version__
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOMS = {
    "rtstream": REPOSITORY / "core/rtstream",
    "rtstream_cli": REPOSITORY / "cli/rtstream_cli",
    "rtstream_templates": REPOSITORY / "templates/rtstream_templates",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return built / f"rtstream-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment variables of a fresh virtual environment that holds the wheel.

    What rtstream depends on is borrowed from the environment of the tests; rtstream itself is not:
    its editable form hangs on a .pth file there, and such a file counts only where Python itself starts.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    command = [
        sys.executable,
        "-m",
        "pip",
        "-qq",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    return env | {"PATH": f"{folder / 'bin'}{os.pathsep}{env['PATH']}", "VIRTUAL_ENV": str(folder)}


def say(env: dict[str, str], cwd: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def on_disk(package: str) -> Iterator[str]:
    for path in ROOMS[package].rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{package}/{path.relative_to(ROOMS[package]).as_posix()}"


@pytest.mark.parametrize("package", ROOMS)
def test_the_wheel_holds_every_file_of_the_folder_and_no_other(wheel: Path, package: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith(f"{package}/")}
    assert shipped == set(on_disk(package))


def test_the_wheel_holds_three_packages_the_licence_and_nothing_else(wheel: Path) -> None:
    about = f"rtstream-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {*ROOMS, about}
    assert {f"{about}/licenses/LICENSE", f"{about}/licenses/NOTICE"} <= set(names)


def test_the_sdist_holds_what_one_needs_to_test_and_to_build_it(built: Path) -> None:
    head = f"rtstream-{__version__}"
    with tarfile.open(built / f"{head}.tar.gz") as archive:
        names = set(archive.getnames())
    for needed in (
        "pyproject.toml",
        "CHANGELOG.md",
        "NOTICE",
        "tests/conftest.py",
        "scripts/test",
        "docs/errors.md",
    ):
        assert f"{head}/{needed}" in names
    for package in ROOMS:
        folder = ROOMS[package].parent.name
        assert {f"{head}/{folder}/{name}" for name in on_disk(package)} <= names


def test_the_installed_wheel_is_what_runs(installed: dict[str, str], tmp_path: Path) -> None:
    where = say(installed, tmp_path, "python", "-c", "import rtstream; print(rtstream.__file__)")
    assert where.startswith(installed["VIRTUAL_ENV"])
    assert say(installed, tmp_path, "rtstream", "--version").split() == ["rtstream", __version__]


def test_the_installed_wheel_makes_a_project_that_passes_its_own_test_and_answers_a_voice(
    installed: dict[str, str], tmp_path: Path
) -> None:
    say(installed, tmp_path, "rtstream", "new", "myapp")
    project = tmp_path / "myapp"
    assert not list(project.rglob("dot_*")), "a template's own .gitignore is renamed on copy"
    say(installed, project, "rtstream", "test-file", "sample.wav", "--out", "reply.wav")
    assert (project / "reply.wav").stat().st_size > 10_000
