"""`rtstream new`: what it makes, what it refuses, and that what it makes works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from rtstream.errors import ProjectRefused, RtstreamError
from rtstream_cli import proof, scaffold

from .conftest import Run, document, on_terminal, program

TEMPLATES = (
    "echo",
    "fastapi-app",
    "gradio-app",
    "parrot",
    "phone-ivr",
    "radio",
    "transcribe",
    "video-filter",
    "voice-agent",
)
FILES = [
    ".gitignore",
    "README.md",
    "handler.py",
    "pyproject.toml",
    "rtstream.toml",
    "tests/test_handler.py",
]


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_makes_a_whole_project(cli: Run, project: Path, template: str) -> None:
    made = cli("new", "my-app", "--template", template, "--no-verify")
    assert made.exit_code == 0
    found = written(project / "my-app")
    assert found == sorted([*FILES, scaffold.template(template).sample])
    assert sorted(line.removeprefix("my-app/") for line in made.stdout.splitlines()) == found
    assert tomllib.loads((project / "my-app/pyproject.toml").read_text())["project"]["name"] == "my-app"
    assert (project / "my-app/README.md").read_text().startswith("# my-app\n")
    for name in FILES:
        assert "{{" not in (project / "my-app" / name).read_text()


def test_it_says_the_next_three_commands(cli: Run) -> None:
    told = cli("new", "myapp", "--no-verify").stderr
    assert [line.strip() for line in told.splitlines() if line.startswith("    ")] == [
        "cd myapp",
        "rtstream test-file sample.wav",
        "rtstream serve",
    ]


def test_the_json_document_tells_the_same(cli: Run) -> None:
    told = document(cli("new", "myapp", "--no-verify", "--json"))
    assert told["project"] == "myapp"
    assert told["template"] == "echo"
    assert told["written"] is True
    assert sorted(told["files"]) == [*FILES[:5], "sample.wav", FILES[5]]
    assert told["passed"] == []
    assert told["next"][0] == "cd myapp"


def test_a_dry_run_shows_everything_and_writes_nothing(cli: Run, project: Path) -> None:
    dry = cli("new", "myapp", "--dry-run")
    assert "myapp/handler.py" in dry.stdout
    assert "Nothing was written" in dry.stderr
    assert written(project) == []
    assert document(cli("new", "myapp", "--dry-run", "--json"))["written"] is False


def test_the_list_names_every_template(cli: Run) -> None:
    lines = cli("new", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["template", *TEMPLATES]


def test_the_list_is_a_table_on_a_terminal(cli: Run) -> None:
    shown = cli("--color", "always", "new", "--list").stdout
    assert "───" in shown
    assert all(name in shown for name in TEMPLATES)


def test_on_a_terminal_it_asks_for_the_name_and_draws_the_tree(project: Path) -> None:
    shown = on_terminal("new", "--no-verify", cwd=project, typed="my-app\n")
    assert "Name of the project" in shown
    assert "├─ handler.py" in shown
    assert "└─ tests/test_handler.py" in shown
    assert (project / "my-app/handler.py").exists()


def test_nobody_is_asked_who_does_not_want_to_be(project: Path) -> None:
    with pytest.raises(AssertionError, match="the project has no name"):
        on_terminal("--no-input", "new", cwd=project)


def test_the_list_is_json_too(cli: Run) -> None:
    listed = document(cli("new", "--list", "--json"))["templates"]
    assert [one["name"] for one in listed] == list(TEMPLATES)
    assert all(one.keys() == {"name", "summary", "modality", "mode", "lines", "sample"} for one in listed)


BAD_NAMES = [
    "Echo",
    "1st",
    "a" * 65,
    "",
    "käse",
    "a b",
    "-x",
    "_x",
    "class",
    "None",
    "queue",
    "rtstream",
    "async",
]
PATHS = ["a/b", "../up", "..", ".", "/absolute", "a\\b"]


@pytest.mark.parametrize("name", [*BAD_NAMES, *PATHS])
def test_a_bad_name_is_refused_with_a_reason(name: str, project: Path) -> None:
    with pytest.raises(ProjectRefused) as caught:
        scaffold.check_name(name)
    assert caught.value.why
    assert caught.value.fix


@pytest.mark.parametrize("name", BAD_NAMES)
def test_the_name_that_is_suggested_instead_is_a_good_one(name: str) -> None:
    with pytest.raises(ProjectRefused) as caught:
        scaffold.check_name(name)
    scaffold.check_name(caught.value.fix.removeprefix("rtstream new "))


@pytest.mark.parametrize(
    ("name", "better"),
    [("my app", "my-app"), ("Echo", "echo"), ("2words", "words"), ("class", "class-app"), ("!", "my-app")],
)
def test_the_name_that_is_suggested_is_the_nearest(name: str, better: str) -> None:
    with pytest.raises(ProjectRefused) as caught:
        scaffold.check_name(name)
    assert caught.value.fix == f"rtstream new {better}"


@pytest.mark.parametrize("name", ["a", "my-app", "my_app2", "a" * 64, "classes"])
def test_a_good_name_is_taken(name: str) -> None:
    scaffold.check_name(name)


def test_what_is_there_already_is_never_touched(cli: Run, project: Path) -> None:
    (project / "full").mkdir()
    (project / "full/mine.txt").write_text("mine")
    (project / "file").write_text("mine")
    (project / "empty").mkdir()
    (project / "link").symlink_to(project / "empty")
    (project / "dangling").symlink_to(project / "nowhere")
    for name, reason in [
        ("full", "mine.txt"),
        ("file", "file of that name"),
        ("link", "link"),
        ("dangling", "link"),
    ]:
        refused = cli("new", name, "--no-verify")
        assert refused.exit_code == 2
        assert refused.stderr.startswith(f"error[RT2004]: `{name}` is already there\n")
        assert reason in refused.stderr
    assert written(project / "full") == ["mine.txt"]
    assert (project / "file").read_text() == "mine"
    assert not (project / "nowhere").exists()
    assert list((project / "empty").iterdir()) == []


def test_an_empty_folder_is_filled(cli: Run, project: Path) -> None:
    (project / "myapp").mkdir()
    assert cli("new", "myapp", "--no-verify").exit_code == 0
    assert (project / "myapp/handler.py").exists()


def test_an_unknown_template_is_told_with_its_near_miss(cli: Run) -> None:
    refused = cli("new", "myapp", "--template", "ecko")
    assert refused.exit_code == 2
    assert "Did you mean `echo`?" in refused.stderr


def test_a_write_that_fails_leaves_nothing_behind(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    contents = scaffold.contents(scaffold.template("echo"), "myapp")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ProjectRefused) as caught:
        scaffold.write(contents, project / "myapp")
    assert caught.value.why == "No space left on device"
    assert list(project.iterdir()) == []


def test_what_could_not_be_written_is_not_listed_either(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    failed = cli("new", "myapp", "--no-verify")
    assert (failed.exit_code, failed.stdout) == (2, "")


def test_a_folder_that_cannot_be_written_to_is_told(project: Path) -> None:
    with pytest.raises(ProjectRefused):
        scaffold.write({}, project / "nowhere" / "myapp")


def test_compiled_files_in_the_installed_templates_are_not_copied(project: Path) -> None:
    cache = Path(str(files("rtstream_templates"))) / "echo" / "__pycache__"
    left = cache / "handler.cpython-39.pyc"
    before = cache.exists()
    cache.mkdir(exist_ok=True)
    left.write_bytes(b"compiled")
    try:
        assert not [path for path in scaffold.contents(scaffold.template("echo"), "a") if "pyc" in path]
    finally:
        left.unlink()
        if not before:
            cache.rmdir()


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_keeps_to_its_limits(template: str) -> None:
    chosen = scaffold.template(template)
    assert chosen.lines <= 40
    sample = chosen.root / chosen.sample
    assert 1000 < len(sample.read_bytes()) <= 100_000
    readme = (chosen.root / "README.md").read_text(encoding="utf-8")
    commands = [line.split("#")[0].strip() for line in readme.splitlines() if line.startswith("    ")]
    assert commands == [f"rtstream test-file {chosen.sample}", "rtstream serve", "pytest"]


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("template", TEMPLATES)
def test_each_project_passes_its_own_test_offline_and_leaves_no_trace(tmp_path: Path, template: str) -> None:
    made = program("new", "myapp", "--template", template, "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    sample = scaffold.template(template).sample
    assert told["passed"] == [f"rtstream test-file {sample}", "pytest"]
    assert written(tmp_path / "myapp") == sorted([*FILES, sample])


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_project_that_does_not_pass_is_told_with_its_own_words(tmp_path: Path) -> None:
    assert program("new", "myapp", "--no-verify", cwd=tmp_path).returncode == 0
    (tmp_path / "myapp/handler.py").write_text("raise ValueError('broken on purpose')\n")
    with pytest.raises(RtstreamError) as caught:
        proof.prove(tmp_path / "myapp", "sample.wav")
    assert caught.value.exit_code == 1
    assert "broken on purpose" in caught.value.why


@pytest.mark.slow
def test_a_proof_is_not_led_astray_by_what_the_person_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTSTREAM_TARGET", "@nothing")
    script = "import os; assert not [name for name in os.environ if name.startswith('RTSTREAM_')]"
    proof._run(tmp_path, "check", ["-c", script])


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("template", TEMPLATES)
def test_each_handler_is_also_a_plain_module_that_others_can_import(tmp_path: Path, template: str) -> None:
    """For example by `uvicorn handler:app`."""
    assert program("new", "myapp", "--template", template, "--no-verify", cwd=tmp_path).returncode == 0
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import handler"],
        cwd=tmp_path / "myapp",
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
