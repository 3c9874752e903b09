"""Where a value comes from, and what is said about one that cannot be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer

from rtstream.errors import ConfigError, UsageError
from rtstream_cli.config import Globals, Settings, read_layers
from rtstream_cli.keys import KEYS


def settings_in(folder: Path, spoken: str = "COMMANDLINE") -> Settings:
    """The settings of a command that runs in a folder; `spoken` is where Typer has its values from."""
    ctx = SimpleNamespace(meta={}, get_parameter_source=lambda _: SimpleNamespace(name=spoken))
    return Settings(read_layers(folder, Globals()), cast(typer.Context, ctx))


def test_a_flag_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("port = 9000")
    settings = settings_in(tmp_path)
    assert settings.take("port", "9100") == 9100
    assert settings.sources["port"] == "--port"


def test_an_environment_variable_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("port = 9000")
    settings = settings_in(tmp_path, spoken="ENVIRONMENT")
    assert settings.take("port", "9100") == 9100
    assert settings.sources["port"] == "RTSTREAM_PORT"


def test_rtstream_toml_wins_over_pyproject_toml(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("port = 9000")
    (tmp_path / "pyproject.toml").write_text('[tool.rtstream]\nport = 9001\nhost = "0.0.0.0"')
    settings = settings_in(tmp_path)
    assert (settings.take("port"), settings.sources["port"]) == (9000, "rtstream.toml")
    assert (settings.take("host"), settings.sources["host"]) == ("0.0.0.0", "pyproject.toml [tool.rtstream]")


def test_without_anybody_the_default_holds_and_says_so(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert (settings.take("host"), settings.sources["host"]) == ("127.0.0.1", "default")


def test_a_pyproject_of_somebody_else_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nport = 1")
    assert read_layers(tmp_path, Globals()) == []


def test_the_search_goes_up_to_the_root_of_the_repository_and_no_further(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("port = 9000")
    repository = tmp_path / "repository"
    deep = repository / "src" / "deep"
    deep.mkdir(parents=True)
    (repository / ".git").mkdir()
    assert read_layers(deep, Globals()) == []
    (repository / "rtstream.toml").write_text("port = 9001")
    assert [layer.values for layer in read_layers(deep, Globals())] == [{"port": 9001}]


def test_outside_of_a_repository_a_strangers_file_above_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text('target = "evil.py"')
    below = tmp_path / "below"
    below.mkdir()
    assert read_layers(below, Globals()) == []


def test_a_file_that_is_named_counts_alone(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("port = 9000")
    (tmp_path / "other.toml").write_text("port = 9001")
    layers = read_layers(tmp_path, Globals(config=tmp_path / "other.toml"))
    assert [layer.values["port"] for layer in layers] == [9001]


def test_a_path_in_a_file_counts_from_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "rtstream.toml").write_text('target = "handler.py"')
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    settings = settings_in(tmp_path / "src")
    settings.take("target")
    assert settings.folder("target") == tmp_path
    settings.take("target", "handler.py")
    assert settings.folder("target") == tmp_path / "src"


def test_keys_may_be_written_with_a_dash(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("concurrency-limit = 3\n[test-file]\nrealtime = true")
    settings = settings_in(tmp_path)
    assert settings.take("concurrency_limit") == 3
    assert settings.take("realtime") is True


def test_what_a_file_says_of_its_own_target_does_not_hold_for_another(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text(
        'target = "handler.py:echo"\nmodality = "audio"\nport = 9000\n[parameters]\ngain = 2'
    )
    for target, modality, parameters in [
        (None, "audio", {"gain": 2}),
        ("handler.py::echo", "audio", {"gain": 2}),
        ("handler.py:other", None, {}),
        ("@mirror", None, {}),
    ]:
        settings = settings_in(tmp_path)
        settings.take("target", target)
        assert settings.take("modality") == modality
        assert settings.take("parameters") == parameters
        assert settings.take("port") == 9000


def test_an_unknown_key_is_named_with_its_file_and_the_one_that_was_probably_meant(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("prot = 9000")
    with pytest.raises(ConfigError) as caught:
        settings_in(tmp_path)
    assert caught.value.what == "rtstream.toml has an unknown key `prot`"
    assert caught.value.fix == "Did you mean `port`?"


def test_a_key_of_one_command_is_unknown_outside_of_its_table(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("[test-file]\nport = 9000")
    with pytest.raises(ConfigError, match=r"unknown key `\[test-file\] port`"):
        settings_in(tmp_path)


WRONG: list[tuple[str, str]] = [
    ('port = "9000"', "port"),
    ("port = true", "port"),
    ("port = 70000", "port"),
    ("host = 127", "host"),
    ('modality = "sound"', "modality"),
    ("modality = []", "modality"),
    ("concurrency_limit = 0", "concurrency_limit"),
    ("time_limit = -1", "time_limit"),
    ("time_limit = inf", "time_limit"),
    ("drain = inf", "drain"),
    ("drain = nan", "drain"),
    ('warm = "yes"', "warm"),
    ('ice_server = "stun:a"', "ice_server"),
    ('ice_server = ["http://a"]', "ice_server"),
    ("parameters = 1", "parameters"),
]


@pytest.mark.parametrize(("line", "key"), WRONG)
def test_a_value_of_the_wrong_type_is_told_with_file_and_key(tmp_path: Path, line: str, key: str) -> None:
    (tmp_path / "rtstream.toml").write_text(line)
    with pytest.raises(ConfigError) as caught:
        settings_in(tmp_path)
    assert caught.value.what.startswith(f"rtstream.toml: `{key}` cannot be ")
    assert KEYS[key].expects in caught.value.why
    assert caught.value.fix


@pytest.mark.parametrize(
    ("spoken", "failure", "named"),
    [("COMMANDLINE", UsageError, "--time-limit"), ("ENVIRONMENT", ConfigError, "RTSTREAM_TIME_LIMIT")],
)
def test_a_flag_or_variable_that_cannot_be_is_told_by_its_own_name(
    tmp_path: Path, spoken: str, failure: type[UsageError], named: str
) -> None:
    with pytest.raises(failure, match=f"`{named}` cannot be 'soon'"):
        settings_in(tmp_path, spoken).take("time_limit", "soon")


def test_the_example_of_a_flag_that_may_be_given_again_can_be_pasted(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        settings_in(tmp_path, "COMMANDLINE").take("ice_server", ["http://a"])
    assert caught.value.fix == "For example: --ice-server stun:stun.example.org:3478"


@pytest.mark.parametrize("text", ["tool = 5", "[tool]\nrtstream = 5", "[[tool.rtstream]]\nport = 1"])
def test_a_pyproject_whose_table_is_none_does_not_stop_the_program_without_a_word(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    if text == "tool = 5":  # no table of ours, and what is wrong with it is not ours to say
        assert settings_in(tmp_path).layers == []
    else:
        with pytest.raises(ConfigError, match=r"`tool.rtstream` cannot be "):
            settings_in(tmp_path)


def test_a_file_that_is_not_toml_is_told_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "rtstream.toml").write_text("port = = 1")
    with pytest.raises(ConfigError, match="is not TOML") as caught:
        settings_in(tmp_path)
    assert "line 1" in caught.value.why


def test_a_named_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_layers(tmp_path, Globals(config=tmp_path / "none.toml"))


@pytest.mark.parametrize("name", KEYS)
def test_every_setting_has_a_sample_that_fits_and_a_default_that_fits_or_is_none(name: str) -> None:
    key = KEYS[name]
    assert key.fits(key.sample)
    assert key.default is None or key.fits(key.default)


READ: list[tuple[str, Any, Any]] = [
    ("port", "0", 0),
    ("time_limit", "2.5", 2.5),
    ("concurrency_limit", "none", "none"),
    ("concurrency_limit", "12", 12),
    (
        "ice_server",
        ['{"urls": "turn:a", "username": "u"}', "stun:b"],
        [{"urls": "turn:a", "username": "u"}, "stun:b"],
    ),
    ("realtime", "yes", True),
    ("warm", False, False),
]


@pytest.mark.parametrize(("name", "given", "value"), READ)
def test_text_becomes_a_value(tmp_path: Path, name: str, given: Any, value: Any) -> None:
    assert settings_in(tmp_path).take(name, given) == value
